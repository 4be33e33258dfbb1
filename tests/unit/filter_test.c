#include "unit.h"

#include <stdio.h>

#include "wetread/errors.h"
#include "wetread/filter.h"
#include "wetread/text.h"
#include "wetread/when.h"

/* ---- a row, and views, to try filters on */

struct row {
	const char *text[FILTER_FIELDS];
	int64_t number[FILTER_FIELDS];
	bool known[FILTER_FIELDS];
};

static const char *row_text(const struct filter_subject *s, enum filter_field field)
{
	return ((const struct row *)s->ctx)->text[field];
}

static bool row_number(const struct filter_subject *s, enum filter_field field, int64_t *out)
{
	const struct row *r = s->ctx;

	if (r->known[field])
		*out = r->number[field];
	return r->known[field];
}

enum { MIN = 60000, HOUR = 60 * MIN };

#define NUM(field, v) .number[FILTER_##field] = (v), .known[FILTER_##field] = true

/* A stroke CT that okafor reads, 4:31 left of its half hour. */
static const struct row stroke = {
    .text = {[FILTER_mod] = "CT",
        [FILTER_exam] = "CT HEAD W/O (STROKE)",
        [FILTER_body] = "HEAD",
        [FILTER_site] = "STANNE",
        [FILTER_org] = "ANNE-GROUP",
        [FILTER_state] = "reading",
        [FILTER_reader] = "okafor",
        [FILTER_cls] = "E",
        [FILTER_pt] = "OKAFOR^MARY",
        [FILTER_mrn] = "0093312",
        [FILTER_acc] = "48011930",
        [FILTER_ref] = "HOUSE^GREG",
        [FILTER_ai] = "ICH 0.81 qXR 2.3",
        [FILTER_tag] = "teaching, night",
        [FILTER_note] = "CTA to follow\nIV access failed"},
    NUM(p, 0),
    NUM(sla, 85),
    NUM(left, 4 * MIN + 31000),
    NUM(age, 25 * MIN),
    NUM(wait, 0),
    NUM(img, 412),
    NUM(ai, 81),
    NUM(rank, 1200),
    NUM(alert, 1),
    NUM(viewed, 0),
};

/* A plain film nobody has, on hold, without a clock. */
static const struct row held = {
    .text = {[FILTER_mod] = "DX",
        [FILTER_exam] = "XR KNEE RT 3V",
        [FILTER_site] = "HARBOR",
        [FILTER_state] = "ready",
        [FILTER_hold] = "TECH",
        [FILTER_pt] = "M\xc3\x9cLLER^J\xc3\x96RG",
        [FILTER_acc] = "48011777"},
    NUM(p, 4),
    NUM(age, 2 * HOUR + 59 * MIN),
    NUM(img, 0),
};

static struct filter_subject subject(const struct row *r)
{
	return (struct filter_subject){
	    .ctx = (void *)(uintptr_t)r, .me = "okafor", .text = row_text, .number = row_number};
}

static const char *const views[][2] = {
    {"nights", "p<=1 sort:left cols:acc"},
    {"mine", "reader:me | reader:none"},
    {"empty", "sort:left"},
    {"bad", "p:1 left<15"},
    {"loop", "mod:ct @loop"},
    {"a.b-c_1", "mod:ct"},
    {"v1", "mod:ct"},
    {"v2", "@v1"},
    {"v3", "@v2"},
    {"v4", "@v3"},
    {"v5", "@v4"},
    {"v6", "@v5"},
    {"v7", "@v6"},
    {"v8", "@v7"},
    {"v9", "@v8"},
};

static const char *view_text(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (strcmp(views[i][0], name) == 0)
			return views[i][1];
	return NULL;
}

static const char *view_at(void *ctx, unsigned i)
{
	(void)ctx;
	return i < sizeof(views) / sizeof(views[0]) ? views[i][0] : NULL;
}

static const char *value_at(void *ctx, enum filter_field field, unsigned i)
{
	static const char *const sites[] = {"STANNE", "HARBOR", "ST ANNE", "none", "A\x1b", NULL};
	static const char *const none[] = {NULL};

	(void)ctx;
	return (field == FILTER_site ? sites : none)[i];
}

static const struct filter_names names = {.view = view_text, .view_at = view_at, .value_at = value_at};

static struct filter *parsed(const char *text)
{
	struct filter_error err;
	struct filter *f = NULL;

	if (filter_parse(&f, text, &names, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return f;
}

static bool hits(const char *text, const struct row *r)
{
	struct filter_subject s = subject(r);
	struct filter *f = parsed(text);
	bool hit = filter_match(f, &s);

	filter_free(f);
	return hit;
}

/* A text, and whether the two rows above match it. */
struct
try {
	const char *text;
	bool stroke, held;
};

static void check(const struct try *t, size_t n)
{
	for (; n-- > 0; t++)
		if (hits(t->text, &stroke) != t->stroke || hits(t->text, &held) != t->held)
			fail_msg(
			    "%s: stroke %d, held %d", t->text, hits(t->text, &stroke), hits(t->text, &held));
}

#define CHECK(...)                                                                                           \
	do {                                                                                                 \
		static const struct try tries[] = {__VA_ARGS__};                                             \
		check(tries, sizeof(tries) / sizeof(tries[0]));                                              \
	} while (0)

/* ---- the grammar */

static void an_empty_text_matches_every_row(void **state)
{
	(void)state;
	CHECK({"", 1, 1}, {" \t\n", 1, 1}, {"sort:left", 1, 1}, {"cols:acc sort:p", 1, 1}, {"@empty", 1, 1});
}

static void and_binds_tighter_than_or(void **state)
{
	(void)state;
	CHECK({"mod:mr mod:us | mod:ct", 1, 0}, {"mod:mr (mod:us | mod:ct)", 0, 0},
	    {"mod:ct (mod:us | p:0)", 1, 0}, {"mod:ct & p:0", 1, 0}, {"mod:ct&p:1", 0, 0},
	    {"mod:ct|p:4", 1, 1}, {"((mod:ct))p:0", 1, 0}, {"mod:us | mod:nm | mod:dx p:4", 0, 1},
	    {"(a|b)(c|d) | e", 1, 1});
}

static void a_sign_turns_one_term_around(void **state)
{
	(void)state;
	CHECK({"-site:harbor", 1, 0}, {"!site:harbor", 1, 0}, {"!(mod:ct | mod:mr)", 0, 1},
	    {"-(mod:ct mod:us)", 1, 1}, {"!(!mod:ct)", 1, 0}, {"!stroke", 0, 1}, {"-\"knee rt\"", 1, 0},
	    {"!@mine", 0, 0}, {"-mod:ct p:0", 0, 0});
}

static void priorities_have_numbers_and_names(void **state)
{
	(void)state;
	CHECK({"p:0", 1, 0}, {"p:stroke", 1, 0}, {"p:trauma", 1, 0}, {"p:P0", 1, 0}, {"p=0", 1, 0},
	    {"p<1", 1, 0}, {"p<=stroke", 1, 0}, {"p:1,0", 1, 0}, {"p!=0", 0, 1}, {"P:STROKE", 1, 0},
	    {"p:\"0\"", 1, 0}, {"p:routine", 0, 1}, {"p:4", 0, 1}, {"p>=routine", 0, 1}, {"p<=routine", 1, 1},
	    {"p:stat,ed,urgent,inpatient,screening", 0, 0});
}

static void numbers_compare_with_every_operator(void **state)
{
	(void)state;
	CHECK({"img<413", 1, 1}, {"img<412", 0, 1}, {"img<=412", 1, 1}, {"img<=411", 0, 1}, {"img>411", 1, 0},
	    {"img>412", 0, 0}, {"img>=412", 1, 0}, {"img>=413", 0, 0}, {"img=412", 1, 0}, {"img!=412", 0, 1},
	    {"img:412,0", 1, 1}, {"rank>-5", 1, 0}, {"rank<=+1200", 1, 0}, {"sla>80%", 1, 0},
	    {"sla>85", 0, 0}, {"sla:85%", 1, 0}, {"sla<100%", 1, 0});
}

static void times_have_units(void **state)
{
	(void)state;
	CHECK({"left<15m", 1, 0}, {"left<4m", 0, 0}, {"left<=271s", 1, 0}, {"left<271s", 0, 0},
	    {"left>4m30s", 1, 0}, {"left>0", 1, 0}, {"left>=-5m", 1, 0}, {"age<1h", 1, 0}, {"age>=1d", 0, 0},
	    {"age>90m", 0, 1}, {"wait<1s", 1, 0});
}

static void a_time_is_equal_in_its_own_unit(void **state)
{
	(void)state;
	CHECK({"left:4m", 1, 0}, {"left:5m", 0, 0}, {"left=271s", 1, 0}, {"left:0h", 1, 0}, {"age:2h", 0, 1},
	    {"age:179m", 0, 1}, {"age!=2h", 1, 0}, {"age:25m,2h", 1, 1});
	assert_true(hits("left:-1m", &(struct row){NUM(left, -1)}));
	assert_false(hits("left:0m", &(struct row){NUM(left, -1)}));
}

static void what_is_not_known_fits_no_comparison(void **state)
{
	(void)state;
	CHECK({"left<15m", 1, 0}, {"left>=15m", 0, 0}, {"left!=15m", 1, 0}, {"-left<15m", 0, 1},
	    {"left:none", 0, 1}, {"left:any", 1, 0}, {"sla:none", 0, 1}, {"left!=none", 1, 0},
	    {"left:none,4m", 1, 1});
}

static void codes_are_compared_whole(void **state)
{
	(void)state;
	CHECK({"mod:ct", 1, 0}, {"mod:c", 0, 0}, {"mod:CT,MR", 1, 0}, {"mod=dx", 0, 1}, {"mod!=dx", 1, 0},
	    {"site:stanne", 1, 0}, {"site:anne", 0, 0}, {"site:*anne", 1, 0}, {"site:st*", 1, 0},
	    {"site:h*r*", 0, 1}, {"site:*", 1, 1}, {"site:/^(st|ha)/", 1, 1}, {"org:anne-group", 1, 0},
	    {"org:none", 0, 1}, {"mrn:0093312", 1, 0}, {"mrn:93312", 0, 0}, {"cls:e", 1, 0},
	    {"cls:emergency", 1, 0}, {"cls:inpatient,outpatient", 0, 0}, {"cls!=e", 0, 1});
}

static void plain_film_has_several_codes(void **state)
{
	(void)state;
	CHECK({"mod:xr", 0, 1}, {"mod!=xr", 1, 0}, {"mod:cr", 0, 0}, {"mod:mri", 0, 0});
	assert_true(hits("mod:mri", &(struct row){.text = {[FILTER_mod] = "MR"}}));
	assert_true(hits("mod:xr", &(struct row){.text = {[FILTER_mod] = "CR"}}));
}

static void texts_are_found_by_a_part(void **state)
{
	(void)state;
	CHECK({"exam:head", 1, 0}, {"exam:HEAD,knee", 1, 1}, {"exam:\"rt 3v\"", 0, 1},
	    {"exam:\"w/o (s\"", 1, 0}, {"exam:/head|brain/", 1, 0}, {"exam:/^head/", 0, 0},
	    {"exam:/3v$/", 0, 1}, {"exam:ct*", 1, 0}, {"exam:head*", 0, 0}, {"exam:*knee*3v", 0, 1},
	    {"exam=head", 0, 0}, {"exam=\"xr knee rt 3v\"", 0, 1}, {"exam!=\"xr knee rt 3v\"", 1, 0},
	    {"body:head", 1, 0}, {"body:none", 0, 1}, {"body:any", 1, 0}, {"pt:okaf", 1, 0},
	    {"acc:1930", 1, 0}, {"ref:house", 1, 0}, {"note:\"iv access\"", 1, 0}, {"note:cta,zzz", 1, 0},
	    {"exam:/W\\/O/", 1, 0}, {"acc:4801*", 1, 1});
}

static void names_fold_beyond_ascii(void **state)
{
	(void)state;
	CHECK({"pt:m\xc3\xbcller", 0, 1}, {"pt:\"^j\xc3\xb6rg\"", 0, 1}, {"m\xc3\xbcller", 0, 1},
	    {"M\xc3\xbcller", 0, 1}, {"M\xc3\x9cLLER", 0, 1}, {"pt:m\xc3\xbc*", 0, 1},
	    {"pt:/^m\xc3\xbc.ler/", 0, 1}, {"pt:/m[\xc3\xa0-\xc3\xbe]l{2}/", 0, 1});
}

static void states_have_groups(void **state)
{
	(void)state;
	CHECK({"state:reading", 1, 0}, {"state:READ", 1, 0}, {"state:ready", 0, 1}, {"state:open", 1, 1},
	    {"state:closed", 0, 0}, {"state:held", 0, 1}, {"state:held,reading", 1, 1}, {"state!=held", 1, 0},
	    {"state=ready", 0, 1}, {"state:none", 0, 0}, {"state:final,cancelled", 0, 0});
	assert_true(hits("state:closed", &(struct row){.text = {[FILTER_state] = "final"}}));
	assert_true(hits("state:closed -state:open", &(struct row){.text = {[FILTER_state] = "cancelled"}}));
}

static void readers_are_me_or_none_or_named(void **state)
{
	struct filter_subject nobody = subject(&held);
	struct filter *f = parsed("reader:me");

	(void)state;
	CHECK({"reader:me", 1, 0}, {"reader:none", 0, 1}, {"reader:any", 1, 0}, {"reader:okafor,chen", 1, 0},
	    {"reader!=okafor", 0, 1}, {"reader!=me", 0, 1}, {"reader:me,none", 1, 1}, {"reader:\"me\"", 0, 0},
	    {"reader:\"none\"", 0, 0});
	nobody.me = NULL; /* nobody logged in owns the studies of nobody */
	assert_false(filter_match(f, &nobody));
	filter_free(f);
}

static void some_fields_stand_alone(void **state)
{
	(void)state;
	CHECK({"hold", 0, 1}, {"!hold", 1, 0}, {"hold:tech", 0, 1}, {"hold:none", 1, 0}, {"hold:any", 0, 1},
	    {"ai", 1, 0}, {"note", 1, 0}, {"tag", 1, 0}, {"alert", 1, 0}, {"-alert", 0, 1}, {"viewed", 0, 0},
	    {"!viewed", 1, 1}, {"alert:yes", 1, 0}, {"alert:no", 0, 1}, {"viewed=no", 1, 1},
	    {"alert!=no", 1, 0}, {"\"hold\"", 0, 0});
}

static void tags_are_words_of_a_set(void **state)
{
	(void)state;
	CHECK({"tag:night", 1, 0}, {"tag:teaching", 1, 0}, {"tag:teach", 0, 0}, {"tag:teach*", 1, 0},
	    {"tag:/^nig/", 1, 0}, {"tag:none", 0, 1}, {"tag!=night", 0, 1}, {"tag:a,night", 1, 0});
}

static void ai_has_a_finding_and_a_score(void **state)
{
	(void)state;
	CHECK({"ai:ich", 1, 0}, {"ai>80%", 1, 0}, {"ai>=81", 1, 0}, {"ai<81%", 0, 0}, {"ai:none", 0, 1},
	    {"ai:pe", 0, 0}, {"ai=ich", 0, 0});
}

static void a_bare_word_looks_at_five_fields(void **state)
{
	(void)state;
	CHECK({"1930", 1, 0}, {"okafor", 1, 0}, {"knee", 0, 1}, {"harbor", 0, 1}, {"stanne", 1, 0},
	    {"house", 0, 0}, {"4801*", 1, 1}, {"/knee|head/", 1, 1}, {"\"ct head\"", 1, 0}, {"zzz", 0, 0},
	    {"okafor^mary", 1, 0});
}

static void capitals_make_a_bare_word_exact(void **state)
{
	static const struct row small = {.text = {[FILTER_exam] = "ct head", [FILTER_reader] = "okafor"}};

	(void)state;
	assert_true(hits("CT", &stroke));
	assert_false(hits("CT", &small));
	assert_true(hits("ct", &stroke));
	assert_false(hits("oKafor", &small));
	assert_true(hits("OKAFOR", &stroke)); /* by the patient's name */
	assert_true(hits("Okafor", &small));  /* a name as people write it */
	assert_true(hits("Okafor", &stroke));
}

static void views_are_terms(void **state)
{
	(void)state;
	CHECK({"@nights", 1, 0}, {"@nights !hold", 1, 0}, {"!@nights", 0, 1}, {"@mine", 1, 1},
	    {"@mine p:4", 0, 1}, {"@a.b-c_1", 1, 0}, {"@empty mod:ct", 1, 0});
}

static void sort_and_columns_are_taken_out(void **state)
{
	const struct filter_sort *sort;
	const struct filter_col *cols;
	struct filter *f = parsed("mod:ct sort:left,-p | state:held cols:left,exam/30");

	(void)state;
	assert_int_equal(filter_sort_keys(f, &sort), 2);
	assert_int_equal(sort[0].field, FILTER_left);
	assert_false(sort[0].descending);
	assert_int_equal(sort[1].field, FILTER_p);
	assert_true(sort[1].descending);
	assert_int_equal(filter_cols(f, &cols), 2);
	assert_int_equal(cols[0].field, FILTER_left);
	assert_int_equal(cols[0].width, 0);
	assert_int_equal(cols[1].field, FILTER_exam);
	assert_int_equal(cols[1].width, 30);
	filter_free(f);
	f = parsed("@nights");
	assert_int_equal(filter_sort_keys(f, &sort), 0); /* a view used as a term gives its condition only */
	assert_int_equal(filter_cols(f, &cols), 0);
	filter_free(f);
}

static void it_says_what_it_looks_at(void **state)
{
	struct filter *f = parsed("mod:ct !(pt:smith | left<5m)");

	(void)state;
	assert_true(filter_uses(f, FILTER_pt));
	assert_true(filter_uses(f, FILTER_left));
	assert_false(filter_uses(f, FILTER_mrn));
	filter_free(f);
	f = parsed("smith");
	assert_true(filter_uses(f, FILTER_pt));
	assert_true(filter_uses(f, FILTER_acc));
	assert_false(filter_uses(f, FILTER_mrn));
	filter_free(f);
	f = parsed("@nights state:held");
	assert_true(filter_uses(f, FILTER_p));
	assert_true(filter_uses(f, FILTER_hold));
	filter_free(f);
	f = parsed("");
	assert_false(filter_uses(f, FILTER_pt));
	filter_free(f);
}

/* ---- errors */

static void errors_say_where_and_what_was_wanted(void **state)
{
	/* The bytes in question stand between the brackets. */
	static const char *const rows[][3] = {
	    {"left<15", "left<[15]", "left wants a time, e.g. 15m"},
	    {"left:soon", "left:[soon]", "left wants a time, e.g. 15m"},
	    {"left<5ms", "left<[5ms]", "left wants a time, e.g. 15m"},
	    {"age>", "age>[]", "a value is missing, e.g. age>2h"},
	    {"mod:", "mod:[]", "a value is missing, e.g. mod:ct,mr"},
	    {"mod:ct,", "mod:ct,[]", "a value is missing, e.g. mod:ct,mr"},
	    {"p:6", "p:[6]",
	        "p wants 0 to 5 or a name: stroke, trauma, stat, ed, inpatient, routine, screening"},
	    {"p:stst", "p:[stst]", "p has no \"stst\": did you mean stat?"},
	    {"p:p", "p:[p]", NULL},
	    {"sla>x", "sla>[x]", "sla wants a percentage, e.g. 80%"},
	    {"sla>80%%", "sla>[80%%]", "sla wants a percentage, e.g. 80%"},
	    {"ai>high", "ai>[high]", "ai wants a percentage, e.g. 80%"},
	    {"img>many", "img>[many]", "img wants a number, e.g. 100"},
	    {"img>1234567890123", "img>[1234567890123]", "img wants a number, e.g. 100"},
	    {"state:redy", "state:[redy]", "state has no \"redy\": did you mean ready?"},
	    {"state:zzzzzzzzzz", "state:[zzzzzzzzzz]",
	        "state wants a state: ordered, acquiring, ready, assigned, reading, prelim, final, "
	        "unmatched, "
	        "cancelled, open, closed or held"},
	    {"viewed:maybe", "viewed:[maybe]", "viewed wants yes or no"},
	    {"alert:none", "alert:[none]", NULL},
	    {"modd:ct", "[modd]:ct", "there is no field \"modd\": did you mean mod?"},
	    {"modality:ct", "[modality]:ct", "there is no field \"modality\": did you mean mod?"},
	    {"priority<2", "[priority]<2", "there is no field \"priority\": did you mean p?"},
	    {"xyzzyx=1", "[xyzzyx]=1", "there is no field \"xyzzyx\": put quotes around text to search for"},
	    {"12:30", "[12]:30", NULL},
	    {":ct", "[:]ct", "the name of a field is missing before :"},
	    {"!=5", "![=]5", "the name of a field is missing before ="},
	    {"exam<head", "[exam<]head", "exam has no order to compare with <: write e.g. exam:head"},
	    {"alert>=1", "[alert>=]1", "alert has no order to compare with >=: write e.g. alert"},
	    {"state<final", "[state<]final", "state has no order to compare with <: write e.g. state:ready"},
	    {"p=1,2", "p=1[,]2", "only : takes a list of values"},
	    {"exam:\"head", "exam:[\"head]", "the closing \" is missing"},
	    {"exam:/head", "exam:[/head]", "the closing / is missing"},
	    {"exam:\"\"", "exam:[\"\"]", "empty quotes: write field:none for what is not there"},
	    {"exam://", "exam:[//]", "an empty regex"},
	    {"exam:/(a/", "exam:[/(a/]", "the closing ) is missing"},
	    {"exam:/a)/", "exam:[/a)/]", "there is no ( for a )"},
	    {"exam:/[a/", "exam:[/[a/]", "the closing ] is missing"},
	    {"exam:/[z-a]/", "exam:[/[z-a]/]", "a range is the wrong way around"},
	    {"exam:/[[:foo:]]/", "exam:[/[[:foo:]]/]",
	        "[: :] wants alpha, digit, alnum, xdigit, space, blank or punct"},
	    {"exam:/[[.a.]]/", "exam:[/[[.a.]]/]", "[. and [= are not known"},
	    {"exam:/a|*/", "exam:[/a|*/]", "there is nothing to repeat before *, +, ? or {"},
	    {"exam:/a{x}/", "exam:[/a{x}/]", "repetition is {n}, {n,} or {n,m}, at most 255"},
	    {"exam:/a{3,2}/", "exam:[/a{3,2}/]", "repetition is {n}, {n,} or {n,m}, at most 255"},
	    {"exam:/a{256}/", "exam:[/a{256}/]", "repetition is {n}, {n,} or {n,m}, at most 255"},
	    {"exam:/(a)\\1/", "exam:[/(a)\\1/]", "back-references are not known"},
	    {"exam:/\\d/", "exam:[/\\d/]", "a backslash stands before punctuation only: for \\d write [0-9]"},
	    {"exam:/((a{9}){9}){99}/", "exam:[/((a{9}){9}){99}/]", "the regex is too large: repeat less"},
	    {"(mod:ct", "[(]mod:ct", "the closing ) is missing"},
	    {"mod:ct)", "mod:ct[)]", "there is no ( for this )"},
	    {"()", "([])", "a term is wanted here"},
	    {"a | ", "a [|] ", "| wants a term on both sides"},
	    {"| a", "[|] a", "| wants a term on both sides"},
	    {"a || b", "a [|]| b", "| wants a term on both sides"},
	    {"a | sort:p", "a [|] sort:p", "| wants a term on both sides"},
	    {"& a", "[&] a", "& wants a term on both sides"},
	    {"a &", "a [&]", "& wants a term on both sides"},
	    {"a & & b", "a & [&] b", "& wants a term on both sides"},
	    {"! a", "[!] a", "a term is wanted right after !"},
	    {"a -", "a [-]", "a term is wanted right after -"},
	    {"!!a", "[!]!a", "a term is wanted right after !"},
	    {"a , b", "a [,] b", "a term is wanted here, not ,"},
	    {"@", "[@]", "@ wants the name of a view"},
	    {"@nowhere", "[@nowhere]", "there is no view \"nowhere\""},
	    {"a @bad", "a [@bad]", "in view bad: left wants a time, e.g. 15m"},
	    {"@loop", "[@loop]", NULL},
	    {"sort:", "sort:[]", "sort wants the name of a field"},
	    {"sort:left,", "sort:left,[]", "sort wants the name of a field"},
	    {"sort:lft", "sort:[lft]", "there is no field \"lft\": did you mean left?"},
	    {"sort:left,-left", "sort:left,[-left]", "sort has this field already"},
	    {"sort:p,mod,exam,body,site,org,state,reader,cls",
	        "sort:p,mod,exam,body,site,org,state,reader,[cls]", "sort takes at most 8 fields"},
	    {"sort:p sort:left", "sort:p [sort:]left", "sort: is there already"},
	    {"(sort:p)", "([sort:]p)", "sort: stands outside parentheses"},
	    {"-sort:p", "[-sort:]p", "sort: cannot be negated"},
	    {"cols:acc/0", "cols:acc[/0]", "a column's width is 1 to 400, e.g. exam/30"},
	    {"cols:acc/9999", "cols:acc[/9999]", "a column's width is 1 to 400, e.g. exam/30"},
	    {"cols:acc,acc", "cols:acc,[acc]", "cols has this field already"},
	    {"sort:p<1", "sort:p[<]1", "a comma or a space is wanted here"},
	    {"a\x01", "a[\x01]", "a control character does not belong here"},
	    {"a\xff z", "a[\xff] z", "this is not UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter_error err = {0};
		struct filter *f = NULL;
		char marked[256];

		if (filter_parse(&f, rows[i][0], &names, &err) != E_SYNTAX)
			fail_msg("accepted: %s", rows[i][0]);
		assert_null(f);
		snprintf(marked, sizeof(marked), "%.*s[%.*s]%s", (int)err.offset, rows[i][0], (int)err.length,
		    rows[i][0] + err.offset, rows[i][0] + err.offset + err.length);
		assert_string_equal(marked, rows[i][1]);
		if (rows[i][2])
			assert_string_equal(err.text, rows[i][2]);
		assert_true(err.text[0] != '\0');
		assert_int_equal(filter_parse(&f, rows[i][0], &names, NULL), E_SYNTAX);
	}
}

static void a_view_within_itself_ends(void **state)
{
	struct filter_error err;
	struct filter *f;

	(void)state;
	assert_int_equal(filter_parse(&f, "@loop", &names, &err), E_SYNTAX);
	assert_string_equal(
	    err.text, "in view loop: views within views go deeper than 8: is one within itself?");
	assert_int_equal(filter_parse(&f, "@v9", &names, &err), E_SYNTAX);
	filter_free(parsed("@v8"));
	assert_int_equal(filter_parse(&f, "@nights", NULL, &err), E_SYNTAX);
	assert_string_equal(err.text, "there is no view \"nights\"");
}

static void fails(const char *text, const char *why)
{
	struct filter_error err = {0};
	struct filter *f;

	assert_int_equal(filter_parse(&f, text, &names, &err), E_SYNTAX);
	assert_string_equal(err.text, why);
	assert_true(err.offset + err.length <= strlen(text));
}

static char *repeated(const char *s, unsigned n, const char *tail)
{
	struct buf b = BUF_INIT(1 << 16);

	while (n-- > 0)
		buf_adds(&b, s);
	buf_adds(&b, tail);
	return buf_take(&b);
}

static void size_depth_and_terms_are_bounded(void **state)
{
	struct buf b = BUF_INIT(1 << 16);
	char *s;

	(void)state;
	s = repeated(" ", 4096, "");
	filter_free(parsed(s));
	free(s);
	s = repeated(" ", 4097, "");
	fails(s, "longer than 4096 bytes");
	free(s);
	s = repeated("a ", 256, "");
	filter_free(parsed(s));
	free(s);
	s = repeated("a ", 257, "");
	fails(s, "more than 256 terms");
	free(s);
	s = repeated("p:1,1,1,1 ", 65, "");
	fails(s, "more than 256 terms");
	free(s);
	s = repeated("(", 65, "a");
	fails(s, "parentheses go deeper than 64");
	free(s);
	for (int i = 0; i < 64; i++)
		buf_adds(&b, "(");
	buf_adds(&b, "a");
	for (int i = 0; i < 64; i++)
		buf_adds(&b, ")");
	filter_free(parsed(b.data));
	buf_release(&b);
	s = repeated("x", 257, "");
	fails(s, "longer than 256 bytes");
	free(s);
	buf_adds(&b, "exam:/");
	for (int i = 0; i < 129; i++)
		buf_adds(&b, "x");
	buf_adds(&b, "/");
	fails(b.data, "the regex is longer than 128 bytes");
	buf_release(&b);
}

static void what_is_quoted_back_is_clean(void **state)
{
	struct filter_error err;
	struct filter *f;

	(void)state;
	assert_int_equal(filter_parse(&f, "a\xc2\x9b\xe2\x80\xae:1", NULL, &err), E_SYNTAX);
	assert_string_equal(err.text, "there is no field \"a\": put quotes around text to search for");
}

/* ---- text and back */

static void the_canonical_text_means_the_same(void **state)
{
	static const char *const rows[][2] = {
	    {"", ""},
	    {"  P<=1   MOD:ct,mr  left<15m -site:harbor ", "p<=1 mod:ct,mr left<15m !site:harbor"},
	    {"state:READY reader:NONE (exam:/head|brain/ | ai:ich) sort:left",
	        "state:ready reader:none (exam:/head|brain/ | ai:ich) sort:left"},
	    {"a & (b & (c d))", "a b c d"},
	    {"(a | b) | (c | (d))", "a | b | c | d"},
	    {"(a b) | c", "a b | c"},
	    {"!(!(a b))", "!(!(a b))"},
	    {"-(@nights)", "!@nights"},
	    {"hold alert !viewed", "hold:any alert:yes !viewed:yes"},
	    {"p:stat,P2,trauma", "p:1,2,0"},
	    {"left<90s age>1h30m wait>=0 left>-2d", "left<90s age>90m wait>=0s left>-2d"},
	    {"sla>80 ai>5", "sla>80% ai>5%"},
	    {"\"a b\" \"plain\" \"hold\" \"-x\" \"a*\" \"q\\\"\\\\\"",
	        "\"a b\" plain \"hold\" \"-x\" \"a*\" \"q\\\"\\\\\""},
	    {"reader:\"me\",me site:\"none\" exam:\"x,y\"", "reader:\"me\",me site:\"none\" exam:\"x,y\""},
	    {"exam:/a\\/b\\.c/ /x/", "exam:/a\\/b\\.c/ /x/"},
	    {"cols:left,exam/30 a sort:-p,left", "a sort:-p,left cols:left,exam/30"},
	    {"state:held,open,PRE", "state:held,open,prelim"},
	    {"reader:Me,NONE", "reader:me,none"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter *f = parsed(rows[i][0]), *again;
		struct buf b = BUF_INIT(4096);

		buf_reserve(&b, 1);
		filter_text(f, &b);
		assert_string_equal(b.data, rows[i][1]);
		again = parsed(b.data);
		assert_true(filter_same(f, again));
		filter_free(again);
		filter_free(f);
		buf_release(&b);
	}
}

static void different_filters_are_not_the_same(void **state)
{
	static const char *const all[] = {"", "a", "A", "\"hold\"", "hold", "p:1", "p=1", "p:1,2", "left<60m",
	    "left<1h", "a b", "a | b", "!a", "exam:a", "exam:/a/", "exam:a*", "sort:p", "sort:-p", "cols:p",
	    "cols:p/3", "@nights", "@mine", "reader:me", "reader:\"me\""};
	size_t n = sizeof(all) / sizeof(all[0]);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			struct filter *a = parsed(all[i]), *b = parsed(all[k]);

			if (filter_same(a, b) != (i == k))
				fail_msg("%s and %s", all[i], all[k]);
			filter_free(a);
			filter_free(b);
		}
}

static const char *row_before(const struct filter_subject *s, enum filter_field field)
{
	(void)s;
	return field == FILTER_pt || field == FILTER_mrn ? "0011|TRAUMA^ZULU 47|0012" : NULL;
}

static void a_patient_is_found_by_what_was_on_the_old_paper(void **state)
{
	static const struct {
		const char *text;
		bool fits;
	} cases[] = {{"mrn:0011", true}, {"mrn:0012", true}, {"mrn:001", false}, {"pt:zulu", true},
	    {"zulu", true}, {"acc:0011", false}, {"!mrn:0011", false}};
	struct filter_subject s = subject(&stroke);

	(void)state;
	s.before = row_before;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct filter *f = parsed(cases[i].text);

		assert_int_equal(filter_match(f, &s), cases[i].fits);
		filter_free(f);
	}
}

/* ---- why */

static void why_names_each_term_and_the_row(void **state)
{
	struct filter *f = parsed("mod:ct left<2m (site:harbor | !p:0) state:held okafor @nights viewed");
	struct filter_subject s = subject(&stroke);
	struct buf b = BUF_INIT(4096);

	(void)state;
	filter_explain(f, &s, &b);
	assert_string_equal(b.data, "yes  mod:ct  (mod is CT)\n"
	                            "no   left<2m  (left is 4m31s)\n"
	                            "no   any of:\n"
	                            "no     site:harbor  (site is STANNE)\n"
	                            "no     not:\n"
	                            "yes      p:0  (p is 0)\n"
	                            "no   state:held  (state is reading)\n"
	                            "yes  okafor\n"
	                            "yes  @nights\n"
	                            "yes    p<=1  (p is 0)\n"
	                            "no   viewed:yes  (viewed is no)\n");
	filter_free(f);
	buf_clear(&b);
	s = subject(&held);
	f = parsed("left<2m | state:reading | reader:me");
	filter_explain(f, &s, &b);
	assert_string_equal(b.data, "no   any of:\n"
	                            "no     left<2m  (left is not known)\n"
	                            "no     state:reading  (state is ready, on hold TECH)\n"
	                            "no     reader:me  (reader is empty)\n");
	filter_free(f);
	buf_clear(&b);
	f = parsed("");
	filter_explain(f, &s, &b);
	assert_string_equal(b.data, "yes  every row: the filter has no condition\n");
	filter_free(f);
	buf_release(&b);
}

static void why_shows_clean_text(void **state)
{
	static const struct row evil = {.text = {[FILTER_exam] = "A\x1b[2J\xe2\x80\xae"}};
	struct filter_subject s = subject(&evil);
	struct filter *f = parsed("exam:\"\xc2\x9bx\"");
	struct buf b = BUF_INIT(4096);

	(void)state;
	filter_explain(f, &s, &b);
	assert_string_equal(b.data, "no   exam:x  (exam is A[2J)\n");
	filter_free(f);
	buf_release(&b);
}

/* ---- completion */

/* "from: a b c" */
static const char *completions(const char *text)
{
	static char out[512];
	struct filter_candidate c[40];
	size_t from, len;
	unsigned n = filter_complete(text, strlen(text), &names, c, 40, &from);

	len = (size_t)snprintf(out, sizeof(out), "%zu:", from);
	for (unsigned i = 0; i < n && len < sizeof(out); i++) {
		assert_non_null(c[i].help);
		len += (size_t)snprintf(out + len, sizeof(out) - len, " %s", c[i].text);
	}
	return out;
}

static void completion_knows_what_may_stand_there(void **state)
{
	static const char *const rows[][2] = {
	    {"mo", "0: mod:"},
	    {"mod:ct le", "7: left<"},
	    {"!ho", "1: hold"},
	    {"(re", "1: reader: ref:"},
	    {"a|so", "2: sort:"},
	    {"state:re", "6: ready reading"},
	    {"state:ready,f", "12: final"},
	    {"p<=st", "3: stroke stat"},
	    {"mod:mr", "4: mr mri"},
	    {"cls:zz", "4:"},
	    {"nope:x", "5:"},
	    {"site:", "5: STANNE HARBOR \"ST ANNE\" \"none\""},
	    {"site:st", "5: STANNE \"ST ANNE\""},
	    {"@n", "0: @nights"},
	    {"x @", "2: @nights @mine @empty @bad @loop @a.b-c_1 @v1 @v2 @v3 @v4 @v5 @v6 @v7 @v8 @v9"},
	    {"sort:le", "5: left"},
	    {"sort:left,-s", "11: site state sla"},
	    {"cols:acc,im", "9: img"},
	    {"\"mod:", "5:"},
	    {"alert:", "6: yes no"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(completions(rows[i][0]), rows[i][1]);
	assert_non_null(strstr(completions(""), " p<= mod: exam:"));
}

static void completion_keeps_to_the_room_it_has(void **state)
{
	struct filter_candidate c[2];
	size_t from;

	(void)state;
	assert_int_equal(filter_complete("", 0, NULL, c, 2, &from), 2);
	assert_int_equal(filter_complete("site:", 99, NULL, c, 2, &from), 0);
	assert_int_equal(filter_complete("@", 1, NULL, c, 2, &from), 0);
	assert_int_equal(filter_complete("st", 2, NULL, c, 0, &from), 0);
}

/* ---- the table */

static void every_field_works_as_its_example_says(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FILTER_FIELDS; i++) {
		const struct filter_field_info *info = filter_field_info((enum filter_field)i);
		struct filter *f = parsed(info->example);
		char text[64];

		assert_true(filter_uses(f, (enum filter_field)i));
		assert_int_equal(filter_field_find(info->name), i);
		filter_free(f);
		snprintf(text, sizeof(text), "sort:-%s cols:%s/9", info->name, info->name);
		filter_free(parsed(text));
		snprintf(text, sizeof(text), "%s:any", info->name);
		if (info->type != FILTER_FLAG)
			filter_free(parsed(text));
	}
	assert_int_equal(filter_field_find("nothing"), E_NOTFOUND);
}

/* Each word completion offers for a field must be understood there. */
static void every_offered_value_is_understood(void **state)
{
	struct filter_candidate c[64];
	char text[128];
	size_t from;

	(void)state;
	for (unsigned i = 0; i < FILTER_FIELDS; i++) {
		const char *name = filter_field_info((enum filter_field)i)->name;
		unsigned n;

		snprintf(text, sizeof(text), "%s:", name);
		n = filter_complete(text, strlen(text), &names, c, 64, &from);
		for (unsigned k = 0; k < n; k++) {
			snprintf(text, sizeof(text), "%s:%.100s", name, c[k].text);
			filter_free(parsed(text));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_text_matches_every_row),
	    cmocka_unit_test(and_binds_tighter_than_or),
	    cmocka_unit_test(a_patient_is_found_by_what_was_on_the_old_paper),
	    cmocka_unit_test(a_sign_turns_one_term_around),
	    cmocka_unit_test(priorities_have_numbers_and_names),
	    cmocka_unit_test(numbers_compare_with_every_operator),
	    cmocka_unit_test(times_have_units),
	    cmocka_unit_test(a_time_is_equal_in_its_own_unit),
	    cmocka_unit_test(what_is_not_known_fits_no_comparison),
	    cmocka_unit_test(codes_are_compared_whole),
	    cmocka_unit_test(plain_film_has_several_codes),
	    cmocka_unit_test(texts_are_found_by_a_part),
	    cmocka_unit_test(names_fold_beyond_ascii),
	    cmocka_unit_test(states_have_groups),
	    cmocka_unit_test(readers_are_me_or_none_or_named),
	    cmocka_unit_test(some_fields_stand_alone),
	    cmocka_unit_test(tags_are_words_of_a_set),
	    cmocka_unit_test(ai_has_a_finding_and_a_score),
	    cmocka_unit_test(a_bare_word_looks_at_five_fields),
	    cmocka_unit_test(capitals_make_a_bare_word_exact),
	    cmocka_unit_test(views_are_terms),
	    cmocka_unit_test(sort_and_columns_are_taken_out),
	    cmocka_unit_test(it_says_what_it_looks_at),
	    cmocka_unit_test(errors_say_where_and_what_was_wanted),
	    cmocka_unit_test(a_view_within_itself_ends),
	    cmocka_unit_test(size_depth_and_terms_are_bounded),
	    cmocka_unit_test(what_is_quoted_back_is_clean),
	    cmocka_unit_test(the_canonical_text_means_the_same),
	    cmocka_unit_test(different_filters_are_not_the_same),
	    cmocka_unit_test(why_names_each_term_and_the_row),
	    cmocka_unit_test(why_shows_clean_text),
	    cmocka_unit_test(completion_knows_what_may_stand_there),
	    cmocka_unit_test(completion_keeps_to_the_room_it_has),
	    cmocka_unit_test(every_field_works_as_its_example_says),
	    cmocka_unit_test(every_offered_value_is_understood),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
