/*
 * --help, written from the tables.
 */
#include "config.h"

#include "ctl_int.h"

#include <stdio.h>
#include <string.h>

#include "wetread/text.h"

static void put_option(enum ctl_option o)
{
	const struct option_row *row = &ctl_options[o];
	char left[64];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s", row->letter ? "-" : "",
	    row->letter ? row->letter : ' ', row->letter ? ", " : "   ", row->word, row->value ? " " : "",
	    row->value ? row->value : "");
	printf("    %-22s %s\n", left, row->help);
}

static void put_options(const struct ctl_row *row)
{
	puts("\noptions:");
	for (int o = 0; o < CTLOPT_COUNT; o++)
		if (row_takes(row, (enum ctl_option)o))
			put_option((enum ctl_option)o);
}

static void put_row(const struct ctl_row *row)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s", row->words, *row->args ? " " : "", row->args);
	printf("    %-32s %s\n", left, row->help);
}

static void help_row(const struct ctl_row *row)
{
	printf("usage: wetreadctl [-d DIR] %s%s%s\n\n%s\n", row->words, *row->args ? " " : "", row->args,
	    row->help);
	if (str_ieq(row->words, "user add") || str_ieq(row->words, "user set"))
		set_help(&rec_user);
	if (str_ieq(row->words, "site add") || str_ieq(row->words, "site set"))
		set_help(&rec_site);
	put_options(row);
}

void ctl_help(const struct ctl *c)
{
	size_t n = c->group ? strlen(c->group) : 0;

	if (c->row) {
		help_row(c->row);
		return;
	}
	puts("usage: wetreadctl [-d DIR] COMMAND ...\n\ncommands:");
	for (unsigned i = 0; i < ctl_nrows; i++)
		if (!n || (!strncmp(ctl_rows[i].words, c->group, n) && ctl_rows[i].words[n] == ' '))
			put_row(&ctl_rows[i]);
	put_options(NULL);
}
