/* Tables and columns of pages, from the same rows that make the structs. */
#include "config.h"

#include "page_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(
    struct page_table *t, char type, enum page_pseudo pseudo, const char *key, const struct field *f)
{
	t->columns[t->ncolumns++] = (struct page_column){type, pseudo, key, f};
}

static char type_of(const struct field *f)
{
	return f->type == FIELD_STR ? 's' : f->type == FIELD_TIME ? 't' : 'n';
}

static void add_list_fields(struct page_table *t)
{
	for (unsigned i = 0; i < t->rec->nfields; i++)
		if (t->rec->fields[i].flags & FIELD_LIST)
			add(t, type_of(&t->rec->fields[i]), PSEUDO_NONE, t->rec->fields[i].key,
			    &t->rec->fields[i]);
}

void page_tables(struct page_table out[PAGE_TABLES])
{
	const struct rectype *const recs[PAGE_TABLES] = {
	    [TABLE_POLICY] = &rec_policy,
	    [TABLE_SITE] = &rec_site,
	    [TABLE_USER] = &rec_user,
	    [TABLE_STUDY] = &rec_study,
	    [TABLE_HOLD] = &rec_hold,
	    [TABLE_ACK] = &rec_ack,
	};

	for (unsigned i = 0; i < PAGE_TABLES; i++) {
		out[i] = (struct page_table){.name = recs[i]->name, .rec = recs[i]};
		if (i == TABLE_STUDY) {
			add(&out[i], 'd', PSEUDO_ID, "id", NULL);
			add(&out[i], 'd', PSEUDO_REV, "rev", NULL);
			add(&out[i], 'n', PSEUDO_HOLDS, "holds", NULL);
		}
		add_list_fields(&out[i]);
	}
}

/* Howard Hinnant's civil calendar arithmetic, for dates as numbers. */
static int days_of(int y, int m, int d)
{
	y -= m <= 2;
	int era = y / 400, yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy;
}

void page_date(unsigned day, char out[11])
{
	int z = (int)day - 1 + days_of(DAY_ZERO_YEAR, 1, 1), era = z / 146097, doe = z - era * 146097;
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
	    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int mp = (5 * doy + 2) / 153, m = mp < 10 ? mp + 3 : mp - 9;
	unsigned year = (unsigned)(yoe + era * 400 + (m <= 2));

	snprintf(out, 11, "%04u-%02u-%02u", year % 10000, (unsigned)m % 100,
	    (unsigned)(doy - (153 * mp + 2) / 5 + 1) % 100);
}

unsigned page_day(const char *date)
{
	int y = 0, m = 0, d = 0, day;
	char back[11];

	if (strlen(date) != 10 || sscanf(date, "%4d-%2d-%2d", &y, &m, &d) != 3 || y < DAY_ZERO_YEAR ||
	    m < 1 || m > 12 || d < 1)
		return 0;
	day = days_of(y, m, d) - days_of(DAY_ZERO_YEAR, 1, 1) + 1;
	if (day <= 0 || day > 0xffff)
		return 0;
	page_date((unsigned)day, back); /* 30 February and "1962-3-01" do not come back as they were */
	return strcmp(back, date) ? 0 : (unsigned)day;
}

unsigned page_digits(const char *s, int64_t *number)
{
	size_t n = strlen(s), digits = 0;

	while (digits < n && digits < PAGE_DIGITS && s[n - 1 - digits] >= '0' && s[n - 1 - digits] <= '9')
		digits++;
	*number = 0;
	for (size_t i = n - digits; i < n; i++)
		*number = *number * 10 + (s[i] - '0');
	return (unsigned)digits;
}

void page_models_init(struct page_models *m)
{
	*m = (struct page_models){numbers_new(), numbers_new(), numbers_new(), letters_new()};
}

void page_models_release(struct page_models *m)
{
	free(m->counts);
	free(m->shared);
	free(m->rest);
	free(m->letters);
}
