#include "unit.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "wetread/errors.h"
#include "wetread/hl7_map.h"
#include "wetread/json.h"
#include "wetread/mem.h"

#define HEAD(type) "MSH|^~\\&|RIS|MEADOW|RQ|TELERAD|20260302061417||" type "|C1|P|2.5.1\r"
#define PID        "PID|1||M1^^^MEADOW^MR||OKAFOR^MARY^ANN||19620301|F\r"
#define ORM        HEAD("ORM^O01") PID
#define ORU        HEAD("ORU^R01") PID

struct mapped {
	struct hl7_profiles *profiles;
	struct hl7_msg m;
	struct hl7_reading *r;
	cJSON *params;
};

static struct mapped map_with(const char *ini, const char *text)
{
	struct mapped x = {.params = NULL};
	const struct hl7_profile *p;
	struct buf b = BUF_INIT(1 << 20);
	char *why = NULL;

	if (hl7_profiles_parse(&x.profiles, ini, "test.ini", &why) < 0)
		fail_msg("%s", why);
	x.r = hl7_take(&x.m, text, strlen(text), x.profiles, &p);
	if (!x.r->why) {
		assert_int_equal(hl7_request(&x.m, x.r, p, "10.0.0.1:1", &b), 0);
		x.params = json_parse(b.data, b.len);
		assert_non_null(x.params);
	}
	buf_release(&b);
	return x;
}

static void done(struct mapped *x)
{
	cJSON_Delete(x->params);
	hl7_reading_free(x->r);
	hl7_release(&x->m);
	hl7_profiles_free(x->profiles);
}

static const cJSON *item(const struct mapped *x, int i)
{
	return cJSON_GetArrayItem(json_get(x->params, "items"), i);
}

static int items(const struct mapped *x)
{
	return cJSON_GetArraySize(json_get(x->params, "items"));
}

static const char *set(const struct mapped *x, int i, const char *key)
{
	const cJSON *v = json_get(json_get(item(x, i), "set"), key);

	return v == NULL           ? "absent"
	       : cJSON_IsNull(v)   ? "null"
	       : cJSON_IsString(v) ? v->valuestring
	                           : "number";
}

static int64_t num(const struct mapped *x, int i, const char *key)
{
	return json_get_int(json_get(item(x, i), "set"), key, -99);
}

static const char *does(const struct mapped *x, int i)
{
	return json_get_str(item(x, i), "do", "(none)");
}

/* ---- orders */

static void an_order_becomes_a_study(void **state)
{
	struct mapped x = map_with("[default]\nzone = America/Chicago\nsite = STANNE\n",
	    ORM "PV1|1|E|ED^12^A||||||||||||||||V77\r"
	        "ORC|NW|P1^HIS|F1^RIS||SC||||20260302062415|||7^ORDER^DOC\r"
	        "OBR|1|P1|F1|CTH^CT "
	        "HEAD^L|||||||||fall||||(555)1212|A9|RP1|||||CT|||^^^20260302063000^^S||||^dizzy\r");

	(void)state;
	assert_string_equal(json_get_str(x.params, "sender", ""), "RIS|MEADOW");
	assert_string_equal(json_get_str(x.params, "site", ""), "STANNE");
	assert_string_equal(json_get_str(x.params, "control", ""), "C1");
	assert_int_equal(json_get_int(x.params, "at", 0), 1772432057000 + 6 * 3600000);
	assert_string_equal(does(&x, 0), "create");
	assert_string_equal(set(&x, 0, "accession"), "F1");
	assert_string_equal(set(&x, 0, "placer"), "P1");
	assert_string_equal(set(&x, 0, "proc"), "RP1");
	assert_string_equal(set(&x, 0, "name"), "OKAFOR^MARY^ANN");
	assert_string_equal(set(&x, 0, "birth"), "1962-03-01");
	assert_string_equal(set(&x, 0, "class"), "E");
	assert_string_equal(set(&x, 0, "loc"), "ED 12 A");
	assert_string_equal(set(&x, 0, "visit"), "V77");
	assert_string_equal(set(&x, 0, "referrer"), "ORDER, DOC");
	assert_string_equal(set(&x, 0, "callback"), "(555)1212");
	assert_string_equal(set(&x, 0, "reason"), "dizzy; fall");
	assert_string_equal(set(&x, 0, "modality"), "CT");
	assert_string_equal(set(&x, 0, "order_status"), "NW_SC");
	assert_string_equal(set(&x, 0, "sex"), "F");
	assert_int_equal(num(&x, 0, "prio"), 1);
	assert_int_equal(num(&x, 0, "ordered"), 1772432655000 + 6 * 3600000);
	assert_int_equal(json_get_int(item(&x, 0), "at", 0), 1772432655000 + 6 * 3600000);
	done(&x);
}

static const struct {
	const char *control, *status, *does;
} verbs[] = {
    {"NW", "SC", "create"},
    {"SN", "", "create"},
    {"RO", "", "create"},
    {"XO", "SC", "change"},
    {"XO", "", "change"},
    {"XX", "CM", "change"},
    {"RP", "", "change"},
    {"RQ", "", "change"},
    {"XO", "CM", "complete"},
    {"SC", "CM", "complete"},
    {"SC", "IP", "progress"},
    {"SC", "SC", "schedule"},
    {"SC", "CA", "cancel"},
    {"SC", "DC", "discontinue"},
    {"SC", "HD", "hold"},
    {"XO", "CA", "cancel"},
    {"CA", "CA", "cancel"},
    {"CA", "", "cancel"},
    {"OC", "CA", "cancel"},
    {"DC", "CA", "discontinue"},
    {"OD", "", "discontinue"},
    {"HD", "HD", "hold"},
    {"RL", "", "release"},
    {"OR", "", "release"},
    {"OK", "", "none"},
    {"UC", "", "none"},
    {"QQ", "", "none"},
    {"ca", "", "cancel"},
};

static void order_control_and_status_say_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		char text[1024];
		struct mapped x;

		snprintf(text, sizeof(text), ORM "ORC|%s|P1|F1||%s\rOBR|1|P1|F1|X\r", verbs[i].control,
		    verbs[i].status);
		x = map_with("", text);
		if (strcmp(does(&x, 0), verbs[i].does) != 0)
			fail_msg("%s_%s is %s", verbs[i].control, verbs[i].status, does(&x, 0));
		done(&x);
	}
}

static void a_withdrawal_needs_no_obr_and_keeps_its_reason(void **state)
{
	struct mapped x = map_with("", ORM "ORC|CA|P1|F1||CA|||||||||||^patient left\r");

	(void)state;
	assert_string_equal(does(&x, 0), "cancel");
	assert_string_equal(json_get_str(item(&x, 0), "reason", ""), "patient left");
	done(&x);
}

static void two_quotes_clear_and_nothing_leaves(void **state)
{
	struct mapped x = map_with(
	    "", HEAD("ORM^O01") "PID|1||M1||A^B||\"\"\rORC|XO|P1|F1\rOBR|1|P1|F1|X^Y|||||||||\"\"\r");

	(void)state;
	assert_string_equal(set(&x, 0, "birth"), "null");
	assert_string_equal(set(&x, 0, "reason"), "null");
	assert_string_equal(set(&x, 0, "sex"), "absent");
	assert_string_equal(set(&x, 0, "loc"), "absent");
	assert_string_equal(set(&x, 0, "prio"), "absent");
	done(&x);
}

static void every_group_is_a_row_and_steps_are_not(void **state)
{
	struct mapped x = map_with("",
	    HEAD("OMI^O23") PID "ORC|NW|P1|F1\rOBR|1|P1|F1|X\rIPC|A1|RP1|1.2.1|S1|CT\rIPC|A1|RP1|1.2.1|S2|"
	                        "CT\rIPC|A1|RP2|1.2.2|S3|MR\rORC|NW|P2|F2\rOBR|2|P2|F2|Y\r");

	(void)state;
	assert_int_equal(items(&x), 3);
	assert_int_equal(x.r->groups, 2);
	assert_string_equal(set(&x, 0, "study_uid"), "1.2.1");
	assert_string_equal(set(&x, 1, "study_uid"), "1.2.2");
	assert_string_equal(set(&x, 1, "modality"), "MR");
	assert_string_equal(set(&x, 2, "accession"), "F2");
	done(&x);
}

static void one_orc_stands_for_the_obrs_after_it(void **state)
{
	struct mapped x =
	    map_with("", ORM "ORC|NW|P1|F1\rOBR|1|P1|F1|X\rNTE|1||first\rOBR|2|P1|F2|Y\rNTE|1||second\r");

	(void)state;
	assert_int_equal(items(&x), 2);
	assert_string_equal(does(&x, 1), "create");
	assert_string_equal(set(&x, 0, "reason"), "first");
	assert_string_equal(set(&x, 1, "accession"), "F2");
	assert_string_equal(set(&x, 1, "reason"), "second");
	done(&x);
}

static void each_patients_groups_are_theirs(void **state)
{
	struct mapped x =
	    map_with("", ORU "OBR|1||F1|X|||||||||||||||||||||F\rPID|2||M2||X^Y\rNTE|1||of the second\r"
	                     "OBR|1||F2|X|||||||||||||||||||||F\r");

	(void)state;
	assert_string_equal(set(&x, 0, "pid"), "M1");
	assert_string_equal(set(&x, 0, "reason"), "absent");
	assert_string_equal(set(&x, 1, "pid"), "M2");
	done(&x);
}

/* ---- priority */

static const struct {
	const char *code, *class, *exam, *reason;
	int level;
} levels[] = {
    {"S", "O", "CT HEAD", "", 1},
    {"T", "I", "CT HEAD", "", 1},
    {"A", "O", "CT HEAD", "", 2},
    {"R", "E", "CT HEAD", "", 2},
    {"R", "I", "CT HEAD", "", 3},
    {"R", "O", "CT HEAD", "", 4},
    {"", "", "CT HEAD", "", 4},
    {"", "E", "CT HEAD", "", 2},
    {"R", "O", "MG SCREENING", "", 5},
    {"R", "O", "CT STROKE PROTOCOL", "", 0},
    {"R", "O", "CTA HEAD STROKE", "", 0},
    {"R", "E", "CT HEAD", "Code Stroke, R hemiparesis", 0},
    {"R", "O", "CT HEAD", "history of stroke", 4},
    {"S", "E", "CT CHEST", "level 1 trauma", 0},
    {"R", "E", "CT HEAD NON-TRAUMA", "", 2},
    {"R", "E", "CT HEAD", "no trauma alert", 2},
    {"R", "O", "BACKSTROKE STUDY", "", 4},
    {"PANEL", "O", "X", "", 4},
};

static void the_level_follows_protocol_code_and_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		char text[1024];
		struct mapped x;

		snprintf(text, sizeof(text),
		    ORM "PV1|1|%s\rORC|NW|P1|F1\rTQ1|1||||||||%s\rOBR|1|P1|F1|X^%s|||||||||%s\r",
		    levels[i].class, levels[i].code, levels[i].exam, levels[i].reason);
		x = map_with("", text);
		if (num(&x, 0, "prio") != levels[i].level)
			fail_msg("row %zu: level %d", i, (int)num(&x, 0, "prio"));
		done(&x);
	}
}

static void the_newer_place_of_a_priority_wins(void **state)
{
	struct mapped x = map_with(
	    "", ORM "ORC|NW|P1|F1||||^^^^^R\rTQ1|1||||||||S\rOBR|1|P1|F1|X|A|||||||||||||||||||||^^^^^A\r");

	(void)state;
	assert_string_equal(set(&x, 0, "prio_raw"), "S");
	done(&x);
}

/* ---- results */

static void result_is(const char *obr25, const char *obx11, const char *want_do, const char *want_status)
{
	char text[1024];
	struct mapped x;

	snprintf(text, sizeof(text),
	    ORU "OBR|1||F1|X|||||||||||||||||||||%s\rOBX|1|TX|R||text||||||%s\rOBX|2|TX|R||more||||||F\r",
	    obr25, obx11);
	x = map_with("[default]\nstatus = READ=P, ALL DONE=F\n", text);
	if (strcmp(does(&x, 0), want_do) != 0 ||
	    strcmp(json_get_str(item(&x, 0), "status", ""), want_status) != 0)
		fail_msg(
		    "%s/%s is %s %s", obr25, obx11, does(&x, 0), json_get_str(item(&x, 0), "status", ""));
	done(&x);
}

static void the_status_of_a_result_is_understood(void **state)
{
	(void)state;
	result_is("F", "P", "report", "F");
	result_is("", "P", "report", "P");
	result_is("", "F", "report", "F");
	result_is("", "C", "report", "F");
	result_is("R", "F", "report", "R");
	result_is("A", "F", "report", "P");
	result_is("C", "F", "report", "C");
	result_is("X", "F", "report", "X");
	result_is("F", "W", "report", "X");
	result_is("I", "F", "none", "");
	result_is("S", "", "none", "");
	result_is("N", "", "complete", "");
	result_is("Prelim", "", "report", "P");
	result_is("Wet Read", "", "report", "P");
	result_is("READ", "F", "report", "P");
	result_is("all done", "P", "report", "F");
	result_is("HM", "", "report", "F");
	result_is("f", "", "report", "F");
}

static void a_report_has_text_author_and_time(void **state)
{
	struct mapped x = map_with("",
	    ORU "OBR|1||F1|X||||||||||||||||||20260302120000|||F|||||||9&SEN&AMARTYA^20260302110000\r"
	        "OBX|1|TX|F^Findings||No bleed.\\.br\\Small scar.||||||F\r"
	        "OBX|2|TX|F^Findings||Second~Third||||||F\r"
	        "OBX|3|TX|I^Impression||Normal||||||F\r"
	        "OBX|4|ED|P^PDF||^^^Base64^AAAA||||||F\r");

	(void)state;
	assert_string_equal(json_get_str(item(&x, 0), "text", ""),
	    "Findings:\nNo bleed.\nSmall scar.\nSecond\nThird\n\nImpression:\nNormal");
	assert_string_equal(json_get_str(item(&x, 0), "author", ""), "SEN, AMARTYA");
	assert_int_equal(json_get_int(item(&x, 0), "at", 0), 1772452800000);
	assert_false(json_get_bool(item(&x, 0), "cut", false));
	done(&x);
}

static void a_long_report_is_cut_and_says_so(void **state)
{
	size_t n = 200000;
	char *text = xmalloc(n + 1024);
	struct mapped x;
	const char *got;

	(void)state;
	strcpy(text, ORU "OBR|1||F1|X|||||||||||||||||||||F\rOBX|1|TX|||");
	for (size_t at = strlen(text), end = at + n; at < end; at += 2)
		memcpy(text + at, "\xc3\xa9", 3);
	x = map_with("", text);
	got = json_get_str(item(&x, 0), "text", "");
	assert_true(json_get_bool(item(&x, 0), "cut", false));
	assert_in_range(strlen(got), HL7_MAX_REPORT, HL7_MAX_REPORT + 100);
	assert_non_null(strstr(got, "\xc3\xa9\n[the text was longer and is cut here]"));
	done(&x);
	free(text);
}

static const char ai_text[] = ORU "OBR|1||F1|AI-ICH^Haemorrhage triage^99AI|||||||||||||||||||||F\r"
                                  "OBX|1|CWE|ICH^ICH suspected^99AI||POS^Suspected||||0.91||F|||||||ALG1^V2\r"
                                  "OBX|2|RP|113014^DICOM Study^DCM||1.2.3^RIS||||||F\r";

static void what_a_program_reports_is_never_a_report(void **state)
{
	static const char *const inis[] = {"[RIS|MEADOW]\nai = yes\n", "[default]\nai-codes = AI-ICH\n",
	    "[default]\nai-codes = ALG1\n", "[default]\nai-codes = 99AI\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(inis) / sizeof(*inis); i++) {
		struct mapped x = map_with(inis[i], ai_text);

		assert_string_equal(does(&x, 0), "ai");
		assert_string_equal(set(&x, 0, "ai"), "ICH suspected: Suspected 0.91 ALG1");
		assert_int_equal(num(&x, 0, "ai_score"), 910);
		assert_true(json_get_bool(item(&x, 0), "flag", false));
		assert_string_equal(set(&x, 0, "study_uid"), "1.2.3");
		assert_string_equal(set(&x, 0, "exam"), "absent");
		assert_string_equal(set(&x, 0, "modality"), "absent");
		done(&x);
	}
}

static void a_negative_finding_raises_nothing(void **state)
{
	struct mapped x = map_with("[default]\nai = yes\n",
	    ORU "OBR|1||F1|X|||||||||||||||||||||F\rOBX|1|CWE|ICH^ICH||NEG^Negative|||N|0.97||F\r");

	(void)state;
	assert_string_equal(does(&x, 0), "ai");
	assert_int_equal(num(&x, 0, "ai_score"), 0);
	assert_false(json_get_bool(item(&x, 0), "flag", true));
	done(&x);
}

/* ---- patients */

static void demographics_are_a_patient(void **state)
{
	struct mapped x = map_with("", HEAD("ADT^A08") "EVN|A08\r" PID "PV1|1|I|W^2\r");

	(void)state;
	assert_string_equal(does(&x, 0), "patient");
	assert_string_equal(set(&x, 0, "pid"), "M1");
	assert_string_equal(set(&x, 0, "pid_auth"), "MEADOW");
	assert_string_equal(set(&x, 0, "class"), "I");
	assert_string_equal(set(&x, 0, "loc"), "W 2");
	assert_string_equal(set(&x, 0, "accession"), "absent");
	done(&x);
}

static const char *from(const struct mapped *x, int i, int k, const char *key)
{
	return json_get_str(cJSON_GetArrayItem(json_get(item(x, i), "from"), k), key, "absent");
}

static void every_pair_and_repetition_is_merged(void **state)
{
	struct mapped x = map_with("",
	    HEAD("ADT^A40") "PID|1||A1^^^MEADOW^MR~E1^^^EPI^PI||K^O\rMRG|A2^^^MEADOW~E2^^^EPI~A3\r"
	                    "PID|2||B1^^^MEADOW\rMRG|B2^^^MEADOW\r");

	(void)state;
	assert_int_equal(x.r->nmerges, 4);
	assert_string_equal(json_get_str(item(&x, 0), "pid", ""), "A1");
	assert_string_equal(from(&x, 0, 0, "pid"), "A2");
	assert_string_equal(json_get_str(item(&x, 1), "pid", ""), "E1");
	assert_string_equal(from(&x, 1, 0, "pid"), "E2");
	assert_string_equal(from(&x, 2, 0, "pid"), "A3");
	assert_string_equal(from(&x, 2, 0, "pid_auth"), "MEADOW");
	assert_string_equal(from(&x, 3, 0, "pid"), "B2");
	assert_string_equal(does(&x, 4), "patient");
	done(&x);
}

/* ---- what is not accepted */

static const struct {
	const char *text;
	enum hl7_reason why;
} refused[] = {
    {"hello", HL7_NO_MSH},
    {"MSH|^~\\\\&|x", HL7_BAD_DELIMITERS},
    {HEAD("") PID, HL7_NO_TYPE},
    {"MSH|^~\\&|A|B|||||ORM^O01||P|2.5\r", HL7_NO_CONTROL_ID},
    {"MSH|^~\\&|A|B|||||ORM^O01|1|P|3.0\r", HL7_VERSION},
    {"MSH|^~\\&|A|B|||||ORM^O01|1|Q|2.5\r", HL7_PROCESSING_ID},
    {HEAD("MDM^T02") PID, HL7_UNSUPPORTED_TYPE},
    {HEAD("ORU^Ro1") PID, HL7_UNSUPPORTED_EVENT},
    {HEAD("ADT^A0X") PID, HL7_UNSUPPORTED_EVENT},
    {HEAD("SIU^S12") PID, HL7_UNSUPPORTED_TYPE},
    {HEAD("ACK^O01") "MSA|AA|1\r", HL7_IS_ACK},
    {HEAD("ORR^O02") "MSA|AA|1\r", HL7_IS_ACK},
    {HEAD("ORM^O01") "ORC|NW|1\r", HL7_NO_PID},
    {HEAD("ORM^O01") "PID|1||^^^X\rORC|NW|1\rOBR|1\r", HL7_NO_PATIENT_ID},
    {ORM, HL7_NO_ORDER_GROUP},
    {ORM "ORC|NW|P1\r", HL7_NO_OBR},
    {ORM "ORC|CA\r", HL7_NO_OBR},
    {ORM "ORC|NW\rOBR|1|||X\r", HL7_NO_ORDER_ID},
    {ORM "ORC|NW|P1\rRXO|1\r", HL7_NOT_IMAGING},
    {ORM "ORC||P1\rOBR|1|P1\r", HL7_NO_ORDER_CONTROL},
    {ORM "OBR|1|P1\r", HL7_NO_ORDER_CONTROL},
    {ORM "ORC|N1|P1\rOBR|1|P1\r", HL7_ORDER_CONTROL},
    {ORM "ORC|NW|P1\rOBR|1|P1\rORC|NW\rOBR|2\r", HL7_NO_ORDER_ID},
    {ORU, HL7_NO_OBR},
    {ORU "ORC|RE|P1\r", HL7_NO_OBR},
    {ORU "OBR|1|||X\r", HL7_NO_ORDER_ID},
    {HEAD("ADT^A08"), HL7_NO_PID},
    {HEAD("ADT^A40") PID, HL7_NO_PRIOR_ID},
    {HEAD("ADT^A40") PID "MRG||\r", HL7_NO_PRIOR_ID},
    {HEAD("ADT^A40") PID "MRG|M1^^^MEADOW\r", HL7_SELF_MERGE},
    {HEAD("ADT^A40") PID "MRG|M1\r", HL7_SELF_MERGE},
    {HEAD("ADT^A40") PID "MRG|M2\r" PID "MRG|M1^^^MEADOW\r", HL7_SELF_MERGE},
};

static void each_fault_has_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct mapped x = map_with("", refused[i].text);

		if (x.r->why != refused[i].why)
			fail_msg("row %zu: %s, wanted %s", i, hl7_reason_word(x.r->why),
			    hl7_reason_word(refused[i].why));
		done(&x);
	}
}

static void what_can_be_skipped_is_no_fault(void **state)
{
	static const char *const fine[] = {HEAD("ORU") PID "OBR|1||F1|X\r", HEAD("ADT") "EVN|A08\r" PID,
	    HEAD("ADT^A60") "EVN|A60\r",
	    "MSH|^~\\&|A|B|||bad||ORM^O01|1|T|\r" PID "ORC|NW|P1\rOBR|1|P1\rZZZ|x\r",
	    HEAD("ADT^A49") PID "MRG|M1\r", HEAD("ADT^A40") PID "MRG|M1^^^OTHER\r",
	    HEAD("ORM^O01") "PID|1|M9\rORC|NW|P1\rOBR|1|P1\r"};

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		struct mapped x = map_with("", fine[i]);

		if (x.r->why)
			fail_msg("row %zu: %s", i, hl7_reason_word(x.r->why));
		done(&x);
	}
}

static void more_than_can_be_handed_on_is_refused(void **state)
{
	size_t n = HL7_MAX_ROWS + 1;
	char *text = xmalloc(4096 + n * 40);
	struct mapped x;

	(void)state;
	strcpy(text, ORM);
	for (size_t i = 0, at = strlen(text); i < n; i++)
		at += (size_t)sprintf(text + at, "ORC|NW|P%zu\rOBR|1|P%zu\r", i, i);
	x = map_with("", text);
	assert_int_equal(x.r->why, HL7_TOO_MANY);
	done(&x);
	free(text);
}

/* ---- the sender's profile */

static void the_profile_says_where_the_accession_is(void **state)
{
	static const char text[] = ORM "ORC|NW|P1|F1\rOBR|1|P1|F1|X||||||||||||||A18\r";
	struct mapped x = map_with("[default]\naccession = OBR-18, OBR-3\n", text);

	(void)state;
	assert_string_equal(set(&x, 0, "accession"), "A18");
	done(&x);
	x = map_with("", text);
	assert_string_equal(set(&x, 0, "accession"), "F1");
	done(&x);
}

static void the_profile_says_where_the_modality_is(void **state)
{
	static const char text[] = ORM "ORC|NW|P1|F1\rOBR|1|P1|F1|X^MRI KNEE|||||||||||||||||US\r";
	struct mapped x = map_with("[default]\nmodality = OBR-21\n", text);

	(void)state;
	assert_string_equal(set(&x, 0, "modality"), "US");
	done(&x);
	x = map_with("", text);
	assert_string_equal(set(&x, 0, "modality"), "MR");
	done(&x);
	x = map_with("[default]\nmodality-guess = no\n", text);
	assert_string_equal(set(&x, 0, "modality"), "absent");
	done(&x);
}

static void appointments_are_taken_where_the_profile_says_so(void **state)
{
	struct mapped x = map_with("[default]\nsiu = yes\n",
	    HEAD("SIU^S12") "SCH|P7|F7|||||||||^^^20260305100000\r" PID "AIS|1||XR1^XR CHEST\r");

	(void)state;
	assert_string_equal(does(&x, 0), "schedule");
	assert_string_equal(set(&x, 0, "accession"), "F7");
	assert_string_equal(set(&x, 0, "exam"), "XR CHEST");
	assert_int_equal(num(&x, 0, "sched"), 1772704800000);
	done(&x);
}

static const char *site_of(const char *ini, const char *app, const char *facility, char out[40])
{
	struct hl7_profiles *p;
	char *why = NULL;

	if (hl7_profiles_parse(&p, ini, "test.ini", &why) < 0)
		fail_msg("%s", why);
	snprintf(out, 40, "%s", hl7_profile_of(p, app, facility)->site);
	hl7_profiles_free(p);
	return out;
}

static void the_most_exact_section_is_the_senders(void **state)
{
	static const char ini[] =
	    "[default]\nsite = D\n[RIS|*]\nsite = R\n[*|MEADOW]\nsite = M\n[RIS|MEADOW]\nsite = RM\n";
	char out[40];

	(void)state;
	assert_string_equal(site_of(ini, "RIS", "MEADOW", out), "RM");
	assert_string_equal(site_of(ini, "ris", "meadow", out), "RM");
	assert_string_equal(site_of(ini, "RIS", "HILL", out), "R");
	assert_string_equal(site_of(ini, "PACS", "MEADOW", out), "M");
	assert_string_equal(site_of(ini, NULL, NULL, out), "D");
}

static const struct {
	const char *ini, *why; /* why: part of the message */
} wrong[] = {
    {"[default]\nsyte = X\n", "t.ini:2: there is no key \"syte\" in [default]: did you mean site?"},
    {"[default]\nzone = America/Chicgo\n",
        "t.ini:2: there is no zone \"America/Chicgo\" (write an IANA name such as America/Chicago)"},
    {"[default]\n\nai = maybe\n", "t.ini:3: \"maybe\" is neither yes nor no"},
    {"[RIS]\nsite = X\n", "t.ini:2: [RIS] is neither"},
    {"[A|B]\nsite=X\n[default]\nsite=Y\n", "t.ini:4: [default] must come before"},
    {"[default]\naccession = OBR18\n", "is not a field"},
    {"[default]\naccession =\n", "names no field"},
    {"[default]\nstatus = READ\n", "is not WORD=CODE"},
    {"[default]\nack = xx\n", "neither aa nor ca"},
    {"[default]\ncharset = KLINGON\n", "is not a character set"},
    {"[server]\nidel = 4m\n", "did you mean idle?"},
    {"[server]\nidle = soon\n", "is not a time span"},
    {"[server]\nmax-frame = 1\n", "out of bounds"},
    {"[default]\nnonsense\n", "t.ini:2: this is no section"},
    {"[default]\nsite = A B\n", "is not a site code"},
};

static void a_wrong_line_is_named_with_what_was_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct hl7_profiles *p;
		char *why = NULL;

		assert_int_equal(hl7_profiles_parse(&p, wrong[i].ini, "t.ini", &why), E_SYNTAX);
		if (!strstr(why, wrong[i].why))
			fail_msg("row %zu: %s", i, why);
		free(why);
	}
}

/* ---- the operation's id */

static void op_of(const char *text, char out[23])
{
	struct hl7_msg m;

	hl7_parse(&m, text, strlen(text), NULL);
	hl7_op(&m, out);
	hl7_release(&m);
}

static void the_same_message_has_the_same_id(void **state)
{
	char a[23], b[23];

	(void)state;
	op_of(ORM "ORC|NW|P1\rOBR|1|P1\r", a);
	op_of(ORM "ORC|NW|P1\rOBR|1|P1", b);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 22);
	op_of(ORM "ORC|NW|P2\rOBR|1|P2\r", b);
	assert_string_not_equal(a, b);
}

/* ---- acknowledgements */

static void ack_is(const char *text, struct hl7_verdict v, const char *want)
{
	struct hl7_msg m;
	struct buf b = BUF_INIT(65536);

	hl7_parse(&m, text, strlen(text), NULL);
	v.id = "W1";
	v.now = 1772432057000;
	assert_int_equal(hl7_ack(&m, &v, &b), 0);
	assert_string_equal(b.data ? b.data : "", want);
	buf_release(&b);
	hl7_release(&m);
}

static void an_acknowledgement_mirrors_the_header(void **state)
{
	(void)state;
	ack_is("MSH|^~\\&|A|B|C|D|1||ORM^O01^ORM_O01|id 7|T|2.3.1||||||8859/1\r",
	    (struct hl7_verdict){.answer = HL7_AA},
	    "\x0bMSH|^~\\&|C|D|A|B|20260302061417+0000||ACK^O01^ACK|W1|T|2.3.1||||||8859/1\rMSA|AA|id "
	    "7\r\x1c\r");
	ack_is("MSH*:~\\+*A*B*C*D*1**ORU:R01*7*P*2.5\r",
	    (struct hl7_verdict){.answer = HL7_AE, .code = 101, .text = "x*y"},
	    "\x0bMSH*:~\\+*C*D*A*B*20260302061417+0000**ACK:R01:ACK*W1*P*2.5\rMSA*AE*7*x y\r"
	    "ERR***101:Required field missing:HL70357*E****x y\r\x1c\r");
}

static void a_header_that_can_not_be_read_is_answered_all_the_same(void **state)
{
	(void)state;
	ack_is("hello", (struct hl7_verdict){.answer = HL7_AR, .code = 100, .text = "no"},
	    "\x0bMSH|^~\\&|||||20260302061417+0000||ACK|W1|P|2.5\rMSA|AR||no\r"
	    "ERR|||100^Segment sequence error^HL70357|E||||no\r\x1c\r");
	ack_is("MSH|^~\\\\&|A|B|C|D|1||ORM^O01|7|P|2.5\r", (struct hl7_verdict){.answer = HL7_AR},
	    "\x0bMSH|^~\\&|C|D|A|B|20260302061417+0000||ACK|W1|P|2.5\rMSA|AR|7\r\x1c\r");
}

static void the_control_id_comes_back_byte_for_byte(void **state)
{
	(void)state;
	ack_is("MSH|^~\\&|A|B|C|D|1||ORM^O01|{\xe9-\\T\\ }|P|2.5\r", (struct hl7_verdict){.answer = HL7_AA},
	    "\x0bMSH|^~\\&|C|D|A|B|20260302061417+0000||ACK^O01^ACK|W1|P|2.5\rMSA|AA|{\xe9-\\T\\ }\r\x1c\r");
}

static void commit_mode_follows_msh15(void **state)
{
	static const struct {
		const char *when;
		enum hl7_answer answer;
		const char *word; /* NULL: silence */
	} rows[] = {{"AL", HL7_AA, "CA"}, {"", HL7_AE, "CE"}, {"AL", HL7_AR, "CR"}, {"NE", HL7_AA, NULL},
	    {"NE", HL7_AR, NULL}, {"ER", HL7_AA, NULL}, {"ER", HL7_AE, "CE"}, {"SU", HL7_AA, "CA"},
	    {"SU", HL7_AE, NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct hl7_verdict v = {.answer = rows[i].answer, .commit = true};
		char text[256], want[256] = "";

		snprintf(text, sizeof(text), "MSH|^~\\&|A|B|C|D|1||ORM^O01|7|P|2.5|||%s\r", rows[i].when);
		if (rows[i].word)
			snprintf(want, sizeof(want),
			    "\x0bMSH|^~\\&|C|D|A|B|20260302061417+0000||ACK^O01^ACK|W1|P|2.5\rMSA|%s|"
			    "7\r\x1c\r",
			    rows[i].word);
		ack_is(text, v, want);
	}
}

static void an_acknowledgement_is_never_acknowledged(void **state)
{
	(void)state;
	ack_is(HEAD("ACK^O01"), (struct hl7_verdict){.answer = HL7_NONE}, "");
}

/* ---- rows that belong together */

#define ORDER(control, n) "ORC|" control "|P" n "|F" n "\rOBR|1|P" n "|F" n "|CTH^CT HEAD^L\r"

static const char *old(const struct mapped *x, int i, const char *key)
{
	return json_get_str(json_get(item(x, i), "old"), key, "(none)");
}

static void an_order_takes_the_place_of_the_one_before_it(void **state)
{
	struct mapped x = map_with("", ORM ORDER("RP", "1") ORDER("RO", "2"));

	(void)state;
	assert_int_equal(items(&x), 2);
	assert_string_equal(does(&x, 0), "none");
	assert_string_equal(does(&x, 1), "replace");
	assert_string_equal(set(&x, 1, "placer"), "P2");
	assert_string_equal(old(&x, 1, "placer"), "P1");
	assert_string_equal(old(&x, 1, "accession"), "F1");
	done(&x);
}

static void one_order_becomes_two_and_two_become_one(void **state)
{
	struct mapped x = map_with("", ORM ORDER("RU", "1") ORDER("RO", "2") ORDER("RO", "3") ORDER("RQ", "4")
	                                   ORDER("RQ", "5") ORDER("RO", "6"));
	static const char *const want[] = {"none", "replace", "create", "none", "cancel", "replace"};

	(void)state;
	assert_int_equal(items(&x), 6);
	for (int i = 0; i < 6; i++)
		assert_string_equal(does(&x, i), want[i]);
	assert_string_equal(set(&x, 2, "parent"), "F1");
	assert_string_equal(old(&x, 5, "filler"), "F4");
	done(&x);
}

static void a_replacement_of_nothing_is_an_order(void **state)
{
	struct mapped x = map_with("", ORM ORDER("RO", "2") ORDER("NW", "3") ORDER("RP", "4"));

	(void)state;
	assert_string_equal(does(&x, 0), "create");
	assert_string_equal(does(&x, 1), "create");
	assert_string_equal(does(&x, 2), "change");
	done(&x);
}

static void one_report_for_several_exams_is_each_ones_report(void **state)
{
	struct mapped x = map_with("",
	    ORU "ORC|CN|P1|F1\rOBR|1|P1|F1|CTC^CT CHEST\r"
	        "ORC|CN|P2|F2\rOBR|2|P2|F2|CTA^CT ABDOMEN|||||||||||||||||||||F|||||||7&SMITH&A\r"
	        "OBX|1|TX|||No embolus.||||||F\r"
	        "ORC|RE|P3|F3\rOBR|3|P3|F3|DX^CHEST\r");

	(void)state;
	assert_int_equal(items(&x), 3);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(does(&x, i), "report");
		assert_string_equal(json_get_str(item(&x, i), "status", ""), "F");
		assert_string_equal(json_get_str(item(&x, i), "text", ""), "No embolus.");
		assert_string_equal(json_get_str(item(&x, i), "author", ""), "SMITH, A");
	}
	assert_string_equal(json_get_str(item(&x, 0), "with", ""), "F2");
	assert_string_equal(json_get_str(item(&x, 1), "with", ""), "F1");
	assert_string_equal(does(&x, 2), "none");
	done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_order_becomes_a_study),
	    cmocka_unit_test(order_control_and_status_say_what_to_do),
	    cmocka_unit_test(a_withdrawal_needs_no_obr_and_keeps_its_reason),
	    cmocka_unit_test(two_quotes_clear_and_nothing_leaves),
	    cmocka_unit_test(every_group_is_a_row_and_steps_are_not),
	    cmocka_unit_test(one_orc_stands_for_the_obrs_after_it),
	    cmocka_unit_test(each_patients_groups_are_theirs),
	    cmocka_unit_test(the_level_follows_protocol_code_and_class),
	    cmocka_unit_test(the_newer_place_of_a_priority_wins),
	    cmocka_unit_test(the_status_of_a_result_is_understood),
	    cmocka_unit_test(a_report_has_text_author_and_time),
	    cmocka_unit_test(a_long_report_is_cut_and_says_so),
	    cmocka_unit_test(what_a_program_reports_is_never_a_report),
	    cmocka_unit_test(a_negative_finding_raises_nothing),
	    cmocka_unit_test(demographics_are_a_patient),
	    cmocka_unit_test(every_pair_and_repetition_is_merged),
	    cmocka_unit_test(each_fault_has_its_reason),
	    cmocka_unit_test(what_can_be_skipped_is_no_fault),
	    cmocka_unit_test(more_than_can_be_handed_on_is_refused),
	    cmocka_unit_test(the_profile_says_where_the_accession_is),
	    cmocka_unit_test(the_profile_says_where_the_modality_is),
	    cmocka_unit_test(appointments_are_taken_where_the_profile_says_so),
	    cmocka_unit_test(the_most_exact_section_is_the_senders),
	    cmocka_unit_test(a_wrong_line_is_named_with_what_was_meant),
	    cmocka_unit_test(the_same_message_has_the_same_id),
	    cmocka_unit_test(an_acknowledgement_mirrors_the_header),
	    cmocka_unit_test(a_header_that_can_not_be_read_is_answered_all_the_same),
	    cmocka_unit_test(the_control_id_comes_back_byte_for_byte),
	    cmocka_unit_test(commit_mode_follows_msh15),
	    cmocka_unit_test(an_acknowledgement_is_never_acknowledged),
	    cmocka_unit_test(an_order_takes_the_place_of_the_one_before_it),
	    cmocka_unit_test(one_order_becomes_two_and_two_become_one),
	    cmocka_unit_test(a_replacement_of_nothing_is_an_order),
	    cmocka_unit_test(one_report_for_several_exams_is_each_ones_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
