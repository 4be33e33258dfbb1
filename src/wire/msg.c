/*
 * Lines of JSON-RPC 2.0, e.g.
 *
 *     {"jsonrpc":"2.0","id":"7","method":"study.claim","params":{"op":"..","study":17,"tx":".."}}
 *     {"jsonrpc":"2.0","id":"7","result":{"study":17,"rev":1240,"fence":3}}
 *     {"jsonrpc":"2.0","id":"7","error":{"code":-32024,"message":"..","data":{"name":"taken","study":17}}}
 */
#include "config.h"

#include "wetread/wire.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

static const struct wire_method methods[METHOD_COUNT] = {
#define METHOD(name, method, phases, roles, params, result, help)                                            \
	[METHOD_##name] = {method, params, result, help, phases, roles},
#define NOTICE(name, method, params, help)
#include "method.def"
#undef METHOD
#undef NOTICE
};

const struct wire_method *wire_method(enum method m)
{
	return &methods[m];
}

int wire_method_find(const char *method)
{
	for (int i = 0; i < METHOD_COUNT; i++)
		if (!strcmp(methods[i].method, method))
			return i;
	return E_METHOD;
}

/* An id is given back, so it has to be small, and one that comes back as it was sent. */
static bool id_ok(const cJSON *id)
{
	if (cJSON_IsString(id))
		return strlen(id->valuestring) <= WIRE_ID_MAX;
	return cJSON_IsNumber(id) && fabs(id->valuedouble) <= 9007199254740992.0 &&
	       id->valuedouble == trunc(id->valuedouble);
}

static bool msg_ok(const struct wire_msg *m)
{
	const char *version = json_get_str(m->doc, "jsonrpc", "");

	if (strcmp(version, "2.0") || (m->id && !id_ok(m->id)))
		return false;
	if (m->method)
		return !m->params || cJSON_IsObject(m->params);
	return !m->result != !m->error;
}

int wire_parse(struct wire_msg *out, const char *line, size_t n)
{
	struct wire_msg m = {0};

	if (n > WIRE_LINE_MAX)
		return E_LIMIT;
	m.doc = json_parse(line, n);
	m.method = json_get_str(m.doc, "method", NULL);
	m.id = json_get(m.doc, "id");
	if (cJSON_IsNull(m.id))
		m.id = NULL;
	m.params = json_get(m.doc, "params");
	m.result = json_get(m.doc, "result");
	m.error = json_get(m.doc, "error");
	if (!msg_ok(&m)) {
		cJSON_Delete(m.doc);
		return E_SYNTAX;
	}
	*out = m;
	return 0;
}

void wire_msg_release(struct wire_msg *m)
{
	cJSON_Delete(m->doc);
	*m = (struct wire_msg){0};
}

static void open_line(struct buf *b)
{
	buf_adds(b, "{\"jsonrpc\":\"2.0\"");
}

static void close_line(struct buf *b)
{
	buf_adds(b, "}\n");
}

static void put_id(struct buf *b, const cJSON *id)
{
	json_key(b, "id");
	if (cJSON_IsNumber(id))
		json_int(b, (int64_t)id->valuedouble);
	else
		json_str(b, cJSON_IsString(id) ? id->valuestring : NULL);
}

void wire_request(struct buf *b, const char *id, const char *method, const char *params_json)
{
	open_line(b);
	json_kstr(b, "id", id);
	json_kstr(b, "method", method);
	json_key(b, "params");
	json_raw(b, params_json ? params_json : "{}", strlen(params_json ? params_json : "{}"));
	close_line(b);
}

void wire_notify(struct buf *b, const char *method, const char *params_json, size_t n)
{
	open_line(b);
	json_kstr(b, "method", method);
	json_key(b, "params");
	json_raw(b, params_json, n);
	close_line(b);
}

void wire_result(struct buf *b, const cJSON *id, const char *result_json, size_t n)
{
	open_line(b);
	put_id(b, id);
	json_key(b, "result");
	json_raw(b, result_json, n);
	close_line(b);
}

/* Everything up to the members of `data`. */
static void open_error(struct buf *b, const cJSON *id, int err, const char *text)
{
	open_line(b);
	put_id(b, id);
	json_key(b, "error");
	json_open(b, '{');
	json_kint(b, "code", err_rpc(err));
	json_kstr(b, "message", text ? text : err_text(err));
	json_key(b, "data");
	json_open(b, '{');
	json_kstr(b, "name", err_name(err));
	if (err_hl7(err))
		json_kint(b, "hl7", err_hl7(err));
}

static void close_error(struct buf *b, const char *more)
{
	if (more && *more)
		json_raw(b, more, strlen(more));
	buf_adds(b, "}}");
	close_line(b);
}

void wire_error(struct buf *b, const cJSON *id, int err, const char *text, const char *more)
{
	open_error(b, id, err, text);
	close_error(b, more);
}

void wire_event(struct buf *b, const struct event *e)
{
	open_line(b);
	json_kstr(b, "method", "queue.event");
	json_key(b, "params");
	event_json(b, e, true);
	close_line(b);
}

/* What result and data have in common; zeros are left out. */
static void put_study(struct buf *b, const struct answer *a)
{
	if (a->study)
		json_kuint(b, "study", a->study);
	if (a->rev)
		json_kuint(b, "rev", a->rev);
	if (a->fence)
		json_kint(b, "fence", a->fence);
}

void wire_answer(struct buf *b, const cJSON *id, const struct answer *a)
{
	if (a->err) {
		open_error(b, id, a->err, a->text);
		put_study(b, a);
		if (a->by)
			json_kstr(b, "by", a->by);
		if (a->at)
			json_kint(b, "at", a->at);
		if (a->what)
			json_kstr(b, "what", a->what);
		close_error(b, a->extra);
		return;
	}
	open_line(b);
	put_id(b, id);
	json_key(b, "result");
	json_open(b, '{');
	put_study(b, a);
	if (a->extra && *a->extra)
		json_raw(b, a->extra, strlen(a->extra));
	json_close(b, '}');
	close_line(b);
}

/* The members that struct answer has no place for, as JSON members without braces. */
static char *extra_of(const cJSON *object)
{
	static const char known[][8] = {"study", "rev", "fence", "by", "at", "what", "name", "hl7"};
	struct buf b = BUF_INIT(WIRE_LINE_MAX);
	const cJSON *v;

	cJSON_ArrayForEach(v, object)
	{
		bool skip = false;
		char *text;

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			skip |= !strcmp(known[i], v->string);
		text = skip ? NULL : cJSON_PrintUnformatted(v);
		if (!text)
			continue;
		json_key(&b, v->string);
		json_raw(&b, text, strlen(text));
		cJSON_free(text);
	}
	return b.len ? buf_take(&b) : NULL;
}

static uint64_t get_uint(const cJSON *object, const char *key)
{
	int64_t v = json_get_int(object, key, 0);

	return v > 0 ? (uint64_t)v : 0;
}

int wire_answer_decode(struct answer *a, const cJSON *result, const cJSON *error)
{
	const cJSON *from = error ? json_get(error, "data") : result;

	if (error ? !cJSON_IsObject(error) : !cJSON_IsObject(result))
		return E_SYNTAX;
	if (error) {
		a->err = err_of_rpc((int)json_get_int(error, "code", 0));
		a->text = xstrdup(json_get_str(error, "message", err_text(a->err)));
	}
	a->study = get_uint(from, "study");
	a->rev = get_uint(from, "rev");
	a->fence = json_get_int(from, "fence", 0);
	a->by = xstrdup(json_get_str(from, "by", NULL));
	a->what = xstrdup(json_get_str(from, "what", NULL));
	a->at = json_get_int(from, "at", 0);
	a->extra = extra_of(from);
	return 0;
}
