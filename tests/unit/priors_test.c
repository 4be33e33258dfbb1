/* Which of an archive's answers are fetched, and how it is asked. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scp/scp_int.h"
#include "wetread/errors.h"

#define DAY INT64_C(86400000)
#define NOW (20000 * DAY)

static struct scp_config config = {.priors_count = 3, .priors_years = 5, .priors_objects = 1000};
static char any[] = "any", same[] = "same", list[] = "CT, MR";

static const struct store_study now = {.uid = (char[]){"1.2.3"},
    .pid = (char[]){"4711"},
    .pid_auth = (char[]){"STA"},
    .name = (char[]){"OKAFOR^MARY"},
    .birth = (char[]){"1962-03-01"},
    .modality = (char[]){"CT"},
    .exam = (char[]){"CT HEAD WITHOUT CONTRAST"},
    .body = (char[]){"HEAD"},
    .first_image = NOW};

#define OF_HER                                                                                               \
	.pid = (char[]){"4711"}, .name = (char[]){"Okafor^Mary^A"}, .birth = (char[])                        \
	{                                                                                                    \
		"1962-03-01"                                                                                 \
	}

/* The accession numbers of what is picked, in order. */
static const char *picked(const struct image *answers, size_t n)
{
	static char text[256];
	const struct image *out[20];
	size_t found = priors_pick(&config, &now, NOW, answers, n, out), at = 0;

	*text = '\0';
	for (size_t i = 0; i < found; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? " " : "", out[i]->accession);
	return text;
}

static int fresh(void **state)
{
	(void)state;
	config.priors_count = 3;
	config.priors_modality = any;
	config.priors_body = same;
	return 0;
}

static void nothing_of_anybody_else_is_fetched(void **state)
{
	const struct image answers[] = {
	    {.accession = (char[]){"right"}, .study_uid = (char[]){"1.1"}, .time = NOW - DAY, OF_HER},
	    {.accession = (char[]){"other-id"},
	        .study_uid = (char[]){"1.2"},
	        .time = NOW - DAY,
	        .pid = (char[]){"47110"},
	        .name = (char[]){"OKAFOR^MARY"}},
	    {.accession = (char[]){"no-id"},
	        .study_uid = (char[]){"1.3"},
	        .time = NOW - DAY,
	        .name = (char[]){"OKAFOR^MARY"}},
	    {.accession = (char[]){"issuer"},
	        .study_uid = (char[]){"1.4"},
	        .time = NOW - DAY,
	        .pid_auth = (char[]){"HARBOR"},
	        OF_HER},
	    {.accession = (char[]){"name"},
	        .study_uid = (char[]){"1.5"},
	        .time = NOW - DAY,
	        .pid = (char[]){"4711"},
	        .name = (char[]){"DOE^JOHN"}},
	    {.accession = (char[]){"birth"},
	        .study_uid = (char[]){"1.6"},
	        .time = NOW - DAY,
	        .pid = (char[]){"4711"},
	        .birth = (char[]){"1962-03-02"}},
	};

	(void)state;
	assert_string_equal(picked(answers, sizeof(answers) / sizeof(*answers)), "right");
}

static void an_answer_that_makes_no_sense_is_passed_over(void **state)
{
	const struct image answers[] = {
	    {.accession = (char[]){"no-uid"}, .time = NOW - DAY, OF_HER},
	    {.accession = (char[]){"path"}, .study_uid = (char[]){"../../x"}, .time = NOW - DAY, OF_HER},
	    {.accession = (char[]){"wildcard"}, .study_uid = (char[]){"*"}, .time = NOW - DAY, OF_HER},
	    {.accession = (char[]){"itself"}, .study_uid = (char[]){"1.2.3"}, .time = NOW - DAY, OF_HER},
	    {.accession = (char[]){"future"}, .study_uid = (char[]){"1.4"}, .time = NOW + DAY, OF_HER},
	    {.accession = (char[]){"undated"}, .study_uid = (char[]){"1.5"}, OF_HER},
	    {.accession = (char[]){"huge"},
	        .study_uid = (char[]){"1.6"},
	        .time = NOW - DAY,
	        .expected = 1001,
	        OF_HER},
	    {.accession = (char[]){"old"}, .study_uid = (char[]){"1.7"}, .time = NOW - 1828 * DAY, OF_HER},
	    {.accession = (char[]){"good"}, .study_uid = (char[]){"1.8"}, .time = NOW - 1820 * DAY, OF_HER},
	    {.accession = (char[]){"again"}, .study_uid = (char[]){"1.8"}, .time = NOW - 1820 * DAY, OF_HER},
	};

	(void)state;
	assert_string_equal(picked(answers, sizeof(answers) / sizeof(*answers)), "good");
}

static void the_likest_and_newest_go_first(void **state)
{
	const struct image answers[] = {
	    {.accession = (char[]){"chest"},
	        .study_uid = (char[]){"1.1"},
	        .time = NOW - DAY,
	        .modalities = (char[]){"CT"},
	        .exam = (char[]){"CHEST 2 VIEWS"},
	        OF_HER},
	    {.accession = (char[]){"untold"}, .study_uid = (char[]){"1.2"}, .time = NOW - 2 * DAY, OF_HER},
	    {.accession = (char[]){"mr"},
	        .study_uid = (char[]){"1.3"},
	        .time = NOW - 3 * DAY,
	        .modalities = (char[]){"SR\\MR"},
	        .exam = (char[]){"MR BRAIN"},
	        OF_HER},
	    {.accession = (char[]){"ct1"},
	        .study_uid = (char[]){"1.4"},
	        .time = NOW - 5 * DAY,
	        .modalities = (char[]){"CT\\SR"},
	        .exam = (char[]){"CT HEAD"},
	        OF_HER},
	    {.accession = (char[]){"ct2"},
	        .study_uid = (char[]){"1.5"},
	        .time = NOW - 4 * DAY,
	        .modalities = (char[]){"ct"},
	        .exam = (char[]){"CRANIUM"},
	        OF_HER},
	};
	const size_t n = sizeof(answers) / sizeof(*answers);

	(void)state;
	config.priors_count = 20;
	assert_string_equal(picked(answers, n), "ct2 ct1 mr untold");
	config.priors_count = 2;
	assert_string_equal(picked(answers, n), "ct2 ct1");
	config.priors_count = 20;
	config.priors_body = any;
	assert_string_equal(picked(answers, n), "ct2 ct1 mr chest untold");
	config.priors_modality = same;
	config.priors_body = same;
	assert_string_equal(picked(answers, n), "ct2 ct1 untold"); /* what says nothing may be of any */
	config.priors_modality = list;
	assert_string_equal(picked(answers, n), "ct2 ct1 mr untold");
}

static void an_archive_is_named_by_title_address_and_port(void **state)
{
	static const char *const wrong[] = {"", "ARCHIVE", "ARCHIVE@", "@10.1.1.5:104", "ARCHIVE@10.1.1.5",
	    "ARCHIVE@10.1.1.5:0", "ARCHIVE@pacs:104", "SEVENTEEN_LETTERS@10.1.1.5:104", "A@[::1]:104",
	    "-aet@10.1.1.5:104 --x"};
	struct scu u;

	(void)state;
	assert_int_equal(scu_parse("ARCHIVE@10.1.1.5:104", &u), 0);
	assert_string_equal(u.archive, "ARCHIVE");
	assert_string_equal(u.host, "10.1.1.5");
	assert_int_equal(u.port, 104);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(scu_parse(wrong[i], &u), E_SYNTAX);
}

static void a_question_is_a_dicom_file(void **state)
{
	static const struct scu_key keys[] = {{0x00080052, "CS", "STUDY"}, {0x0020000d, "UI", "1.2.3"}};
	static const char wanted[] = "\x08\0\x52\0CS\x06\0STUDY \x20\0\x0d\0UI\x06\0"
	                             "1.2.3";
	char dir[] = "/tmp/wetread-query.XXXXXX", text[512];
	int folder, fd;
	ssize_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	folder = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(scu_write_query(folder, keys, 2), 0);
	assert_int_equal(scu_write_query(folder, keys, 2), E_IO); /* never over another */
	fd = openat(folder, SCU_QUERY, O_RDONLY);
	n = read(fd, text, sizeof(text));
	close(fd);
	assert_true(n > (ssize_t)sizeof(wanted));
	assert_memory_equal(text + 128, "DICM", 4);
	assert_memory_equal(
	    text + n - (ssize_t)sizeof(wanted), wanted, sizeof(wanted)); /* a UID is padded with NUL */
	unlinkat(folder, SCU_QUERY, 0);
	close(folder);
	rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_of_anybody_else_is_fetched),
	    TEST(an_answer_that_makes_no_sense_is_passed_over),
	    TEST(the_likest_and_newest_go_first),
	    TEST(an_archive_is_named_by_title_address_and_port),
	    TEST(a_question_is_a_dicom_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
