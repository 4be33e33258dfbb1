/*
 * wire - JSON-RPC 2.0 lines to and from structs; pages of a snapshot.  Pure.
 *
 * wetread-wire(5) documents every message.  Lines are at most WIRE_LINE_MAX bytes without the newline.
 */
#ifndef WETREAD_WIRE_H
#define WETREAD_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/core.h"
#include "wetread/model.h"

enum { WIRE_LINE_MAX = 1024 * 1024, WIRE_VERSION = 1, WIRE_PAGE_ROWS = 200 };

struct cJSON;

/* A line as it came in.  `doc` owns everything; pointers borrow from it. */
struct wire_msg {
	struct cJSON *doc;
	const char *method;	   /* NULL: it is an answer */
	const struct cJSON *id;	   /* NULL: a notification */
	const struct cJSON *params; /* may be NULL */
	const struct cJSON *result, *error; /* of an answer */
};
int wire_parse(struct wire_msg *, const char *line, size_t n); /* E_SYNTAX, E_LIMIT */
void wire_msg_release(struct wire_msg *);

/* Writers end the line with \n. id is the request's own id, given back as it came (number or string). */
void wire_request(struct buf *, const char *id, const char *method, const char *params_json);
void wire_notify(struct buf *, const char *method, const char *params_json, size_t n);
void wire_result(struct buf *, const struct cJSON *id, const char *result_json, size_t n);
void wire_error(struct buf *, const struct cJSON *id, int err, const char *text, const char *data_json);
void wire_answer(struct buf *, const struct cJSON *id, const struct answer *); /* result or error of a command */
void wire_event(struct buf *, const struct event *); /* the `queue.event` notification, LIST fields only */

/* The request of a command, both ways. decode borrows from params. */
void wire_command(struct buf *, const char *id, const struct command *);
int wire_command_decode(struct command *, enum cmd kind, const struct cJSON *params, const char **why);

/*
 * A page: rows of the list view, column by column, with a dictionary for repeated strings and deltas for
 * times and numbers, deflated (zlib) and written as base64 in one `queue.page` notification
 * {"i":0,"of":25,"n":1234,"z":"..."}.  Page 0 also carries sites, users and the policy.
 * A page is made once per world version and shared by all sessions of the same scope.
 */
int wire_page(struct buf *, const struct world *, const uint64_t *ids, size_t nids, unsigned i, unsigned of);
/* Puts the page's rows into w (page 0: into an empty world). E_SYNTAX, E_LIMIT; at most 64 MiB inflated. */
int wire_page_decode(struct world *w, const struct cJSON *params, unsigned *i, unsigned *of, uint64_t *n);

#endif
