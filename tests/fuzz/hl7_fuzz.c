/* Any bytes as a frame: cut, parsed, read, mapped and answered in every mode, twice. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/hl7.h"
#include "wetread/hl7_map.h"
#include "wetread/json.h"

#include <cjson/cJSON.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ini[] =
    "[default]\nzone = America/New_York\nsiu = yes\nai-codes = AI,99AI\nstatus = READ=P\n"
    "[SJIS|*]\ncharset = SHIFT_JIS\nai = yes\n[CA|*]\nack = ca\naccession = OBR-18, IPC-1\n";

static void answer(const struct hl7_msg *m, const struct hl7_reading *r, const struct hl7_profile *p)
{
	struct hl7_verdict v = {hl7_reason_answer(r->why), p->commit, hl7_reason_code(r->why),
	    r->why ? hl7_reason_text(r->why) : NULL, "W1", 1772432057000, p->zone};
	struct buf out = BUF_INIT(m->rawlen + 65536);

	if (hl7_ack(m, &v, &out) < 0)
		abort();
	/* exactly one frame */
	if (out.len && (memchr(out.data + 1, 0x0b, out.len - 1) != memchr(m->raw, 0x0b, m->rawlen) &&
	                   memchr(m->raw, 0x0b, m->rawlen) == NULL))
		abort();
	buf_release(&out);
}

static void request(const struct hl7_msg *m, struct hl7_reading *r, const struct hl7_profile *p)
{
	struct buf params = BUF_INIT(1 << 20);

	if (hl7_request(m, r, p, "10.0.0.1:1", &params) == 0) {
		cJSON *json = json_parse(params.data, params.len);

		if (json == NULL)
			abort();
		cJSON_Delete(json);
	}
	buf_release(&params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hl7_profiles *profiles;
	struct hl7_val raw;
	size_t at = 0;
	char *why;

	if (hl7_profiles_parse(&profiles, ini, "fuzz", &why) < 0)
		abort();
	while (hl7_next((const char *)data, size, &at, &raw)) {
		const struct hl7_profile *p;
		struct hl7_msg m;
		struct hl7_reading *r = hl7_take(&m, raw.p, raw.n, profiles, &p);

		if (!r->why)
			request(&m, r, p);
		answer(&m, r, p);
		hl7_reading_free(r);
		hl7_release(&m);
	}
	hl7_profiles_free(profiles);
	return 0;
}
