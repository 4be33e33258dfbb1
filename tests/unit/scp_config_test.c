#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "scp/scp_int.h"
#include "wetread/errors.h"

static char path[] = "/tmp/wetread-dicom-ini.XXXXXX";

static int load(const char *text, struct scp_config **c, char **why)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	*c = NULL;
	*why = NULL;
	return scp_config_load(path, c, why);
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

/* ---- tests */

static void defaults_let_nobody_in(void **state)
{
	struct scp_config *c;
	char *why = NULL;

	(void)state;
	assert_int_equal(scp_config_load("/nonexistent/dicom.ini", &c, &why), 0);
	assert_int_equal(c->npeers, 0);
	assert_string_equal(c->ae, "WETREAD");
	assert_int_equal(c->quiet, 60000);
	assert_int_equal(c->pdu, 128 << 10);
	assert_null(c->tls_cert);
	scp_config_free(c);
}

static void every_mistake_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"[listne]\nae = X\n", ":2: there is no section \"listne\": did you mean listen?"},
	    {"[listen]\nea = X\n", ":2: there is no key \"ea\""},
	    {"[listen]\nae = SEVENTEEN_LETTERS\n", ":2: \"SEVENTEEN_LETTERS\" is not an AE title"},
	    {"[listen]\nae =\n", ":2: an AE title is needed"},
	    {"[listen]\ntls.cert = x.pem\n", "tls.cert and tls.key belong together"},
	    {"[limit]\nidle = soon\n", ":2: \"soon\" is not a time span"},
	    {"[limit]\npdu = 1\n", ":2: 1 is out of bounds"},
	    {"[limit]\nbytes = 9999999999999999999\n", ":2: 9999999999999999999 is out of bounds"},
	    {"[limit]\nassociations = many\n", ":2: \"many\" is not a number"},
	    {"[peer CT1]\nsite = A\nhots = 10.0.0.1\n", ":3: there is no key \"hots\": did you mean host?"},
	    {"[peer CT1]\nsite = A\nhost = 10.0.0.0/33\n",
	        ":3: \"10.0.0.0/33\" is not an address or network"},
	    {"[peer CT1]\nsite = A\nzone = Nowhere/Town\n", ":3: there is no time zone"},
	    {"[peer CT1]\nhost = 10.0.0.1\n", "[peer CT1] has no site"},
	    {"[complete]\nquiet.= 5s\n", ":2: write quiet.CT"},
	    {"[priors]\npacs = ARCHIVE\n", "is not AET@ADDRESS:PORT"},
	    {"[priors]\npacs = ARCHIVE@pacs.example:104\n", "is not AET@ADDRESS:PORT"},
	    {"[priors]\npacs = ARCHIVE@10.1.1.5:104\n", "write a [peer ARCHIVE] section"},
	    {"nonsense\n", ":1: "},
	};
	struct scp_config *c;
	char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(load(rows[i].text, &c, &why), E_SYNTAX);
		if (strstr(why, rows[i].says) == NULL)
			fail_msg("%s\nsays \"%s\"\nand not \"%s\"", rows[i].text, why, rows[i].says);
		free(why);
	}
}

static void a_sender_is_known_by_title_and_address(void **state)
{
	static const struct {
		const char *from;
		bool in;
	} rows[] = {{"10.1.7.20:104", true}, {"10.1.8.20:104", false}, {"[::ffff:10.1.7.9]:104", true},
	    {"[fd00:1::7]:104", true}, {"[fe80::7]:104", false}, {"192.168.0.9:104", true}};
	const struct scp_peer *p;
	struct scp_config *c;
	struct address a;
	char *why;

	(void)state;
	assert_int_equal(
	    load("[peer CT1]\nsite = STANNE\nhost = 10.1.7.0/24, fd00:1::/32\nhost = 192.168.0.9\n"
	         "[peer MR1]\nsite = HARBOR\n",
	        &c, &why),
	    0);
	assert_null(scp_peer_find(c, "ct1"));
	p = scp_peer_find(c, "CT1");
	assert_non_null(p);
	assert_string_equal(p->site, "STANNE");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(address_parse(rows[i].from, &a), 0);
		assert_int_equal(scp_peer_from(p, &a), rows[i].in);
		assert_true(scp_peer_from(scp_peer_find(c, "MR1"), &a));
	}
	scp_config_free(c);
}

static void quiet_is_by_modality(void **state)
{
	struct scp_config *c;
	char *why;

	(void)state;
	assert_int_equal(load("[complete]\nquiet = 30s\nquiet.US = 5m\n", &c, &why), 0);
	assert_int_equal(scp_quiet(c, "US"), 300000);
	assert_int_equal(scp_quiet(c, "CT"), 30000);
	assert_int_equal(scp_quiet(c, NULL), 30000);
	scp_config_free(c);
}

static void files_are_relative_to_the_file_that_names_them(void **state)
{
	struct scp_config *c;
	char *why;

	(void)state;
	assert_int_equal(load("[listen]\ntls.cert = a.pem\ntls.key = /etc/b.pem\n", &c, &why), 0);
	assert_string_equal(c->tls_cert, "/tmp/a.pem");
	assert_string_equal(c->tls_key, "/etc/b.pem");
	scp_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_let_nobody_in),
	    cmocka_unit_test(every_mistake_is_named_with_its_line),
	    cmocka_unit_test(a_sender_is_known_by_title_and_address),
	    cmocka_unit_test(quiet_is_by_modality),
	    cmocka_unit_test(files_are_relative_to_the_file_that_names_them),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
