/*
 * hl7 refused | show | replay | drop: the frames that could not be taken, looked at by a person.
 *
 * They hold patients' data, so that one was shown, sent again or dropped is recorded first.
 */
#include "config.h"

#include "ctl_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/refused.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { FRAME_MAX = 64 << 20, WAIT_MS = 30000 };

static void json_frame(struct buf *b, const struct refused *r)
{
	char at[32];

	json_open(b, '{');
	json_kstr(b, "id", r->id);
	json_kstr(b, "at", when_rfc3339(r->at, at));
	json_kclean(b, "peer", r->peer);
	json_kclean(b, "sender", r->sender);
	json_kclean(b, "control", r->control);
	json_kclean(b, "reason", r->reason);
	json_kuint(b, "size", r->size);
	json_kbool(b, "whole", r->whole);
}

static void table_frame(struct table *t, const struct refused *r)
{
	char text[32];

	table_cell(t, r->id);
	table_cell(t, when_rfc3339(r->at, text));
	table_cell(t, r->sender);
	table_cell(t, r->control);
	snprintf(text, sizeof(text), "%llu%s", (unsigned long long)r->size, r->whole ? "" : "+");
	table_cell(t, text);
	table_cell(t, r->reason);
}

int ctl_hl7_refused(struct ctl *c)
{
	static const char *const heads[] = {"ID", "AT", "SENDER", "CONTROL", "BYTES", "REASON"};
	struct table t = {.columns = 6};
	struct buf b = BUF_INIT(64 << 20);
	char *dir = ctl_path(c, "refused");
	struct refused *list = NULL;
	size_t n = 0;
	int err = refused_list(dir, &list, &n);

	if (err)
		ctl_fail(c, err, "%s: %s", dir, err_text(err));
	for (unsigned i = 0; i < 6; i++)
		table_cell(&t, heads[i]);
	json_open(&b, '[');
	for (size_t i = 0; i < n; i++) {
		json_frame(&b, &list[i]);
		json_close(&b, '}');
		table_frame(&t, &list[i]);
		refused_release(&list[i]);
	}
	json_close(&b, ']');
	if (!err)
		put_list(c, &b, &t);
	buf_release(&b);
	table_drop(&t);
	free(list);
	free(dir);
	return err;
}

/* Reads the frame and records what is about to be done with it. */
static int begin(struct ctl *c, const char *what, char **dir, struct refused *r, struct buf *bytes)
{
	struct buf params = BUF_INIT(4096);
	struct door *d = NULL;
	int err;

	*dir = ctl_path(c, "refused");
	err = refused_read(*dir, c->arg[0], r, bytes);
	if (err)
		return ctl_fail(c, err, "%s: %s", c->arg[0],
		    err == E_NOTFOUND || err == E_USAGE
		        ? "there is no such frame (wetreadctl hl7 refused lists them)"
		        : err_text(err));
	json_open(&params, '{');
	json_kstr(&params, "as", what);
	json_kstr(&params, "text", c->arg[0]);
	json_close(&params, '}');
	err = door_open(&d, c);
	if (!err)
		err = door_run(d, CMD_hl7_handle, &params);
	door_close(d);
	buf_release(&params);
	return err;
}

/* Segments end with CR: a line each. What is not UTF-8 shows as U+FFFD. */
static void print_frame(struct buf *bytes)
{
	char *at = bytes->data;

	for (char *line; (line = strsep(&at, "\r\n"));)
		if (*line) {
			put_clean(line);
			putchar('\n');
		}
}

int ctl_hl7_show(struct ctl *c)
{
	struct buf bytes = BUF_INIT(FRAME_MAX), b = BUF_INIT(FRAME_MAX * 4ul);
	struct refused r = {0};
	char *dir, at[32];
	int err = begin(c, "show", &dir, &r, &bytes);

	for (size_t i = 0; i < bytes.len; i++) /* a NUL would hide what follows it */
		if (!bytes.data[i])
			bytes.data[i] = '?';
	if (!err && c->opt[CTLOPT_json]) {
		json_frame(&b, &r);
		json_kstr(&b, "text", bytes.data ? bytes.data : "");
		json_close(&b, '}');
		put_json(&b);
	} else if (!err) {
		printf("%s %s, %llu bytes%s\n", r.id, when_rfc3339(r.at, at), (unsigned long long)r.size,
		    r.whole ? "" : ", not whole");
		put_clean(r.reason);
		puts("\n");
		if (bytes.data)
			print_frame(&bytes);
	}
	buf_release(&b);
	buf_release(&bytes);
	refused_release(&r);
	free(dir);
	return err;
}

int ctl_hl7_drop(struct ctl *c)
{
	struct refused r = {0};
	char *dir;
	int err = begin(c, "drop", &dir, &r, NULL);

	if (!err && (err = refused_remove(dir, c->arg[0])))
		ctl_fail(c, err, "%s: %s", c->arg[0], err_text(err));
	if (!err)
		ctl_done(c, "dropped %s", c->arg[0]);
	refused_release(&r);
	free(dir);
	return err;
}

/* ---- replay */

/* "MSA|AE|4711|no PID segment": the code and the words. Borrowed from ack, which is cut up. */
static void read_answer(struct buf *ack, const char **code, const char **text)
{
	char *at = ack->data;

	*code = *text = "";
	for (char *line; at && (line = strsep(&at, "\r"));) {
		char sep[2] = {line[0] && line[1] && line[2] ? line[3] : 0, 0};

		if (strncmp(line, "MSA", 3) || !*sep)
			continue;
		strsep(&line, sep);
		*code = line ? strsep(&line, sep) : "";
		if (line)
			strsep(&line, sep);
		*text = line ? strsep(&line, sep) : "";
		return;
	}
}

static bool accepted(const char *code)
{
	return !strcmp(code, "AA") || !strcmp(code, "CA");
}

/* A frame that is refused again was kept again: the newer one stays. */
static bool kept_again(const char *dir, const char *id, const struct buf *bytes)
{
	struct refused *list = NULL;
	size_t n = 0;
	bool found = false;

	if (refused_list(dir, &list, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct buf other = BUF_INIT(FRAME_MAX);
		struct refused r = {0};

		if (!found && strcmp(list[i].id, id) > 0 && list[i].size == bytes->len &&
		    !refused_read(dir, list[i].id, &r, &other))
			found = other.len == bytes->len &&
			        (!other.len || !memcmp(other.data, bytes->data, other.len));
		refused_release(&r);
		refused_release(&list[i]);
		buf_release(&other);
	}
	free(list);
	return found;
}

static int send_again(struct ctl *c, const char *dir, const struct config *cfg, struct buf *ack)
{
	char host[64];
	int port, err;

	if (!cfg->hl7_listen || addr_parse(cfg->hl7_listen, host, &port) || !port)
		return ctl_fail(
		    c, E_USAGE, "wetreadd.conf names no port for HL7: there is nowhere to send it");
	err = refused_replay(dir, c->arg[0], host, port, WAIT_MS, ack);
	if (err == E_STATE)
		ctl_fail(c, err, "%s is not whole: the sender has to send it anew", c->arg[0]);
	else if (err)
		ctl_fail(c, err, "%s: %s", cfg->hl7_listen,
		    err == E_NOLINK ? "nobody listens there: does wetreadd run?" : err_text(err));
	return err;
}

int ctl_hl7_replay(struct ctl *c)
{
	struct buf bytes = BUF_INIT(FRAME_MAX), ack = BUF_INIT(1 << 20);
	struct refused r = {0};
	const char *code, *text;
	struct config cfg;
	char *dir = NULL;
	int err = ctl_config(c, &cfg);

	if (err)
		return err;
	err = begin(c, "replay", &dir, &r, &bytes);
	if (!err)
		err = send_again(c, dir, &cfg, &ack);
	if (!err) {
		read_answer(&ack, &code, &text);
		if (accepted(code) || kept_again(dir, c->arg[0], &bytes))
			refused_remove(dir, c->arg[0]);
		if (accepted(code))
			ctl_done(c, "%s was taken: %s", c->arg[0], code);
		else
			err = ctl_fail(c, E_STATE, "%s was refused again: %s %s", c->arg[0],
			    *code ? code : "no MSA", text);
	}
	buf_release(&bytes);
	buf_release(&ack);
	refused_release(&r);
	config_release(&cfg);
	free(dir);
	return err;
}
