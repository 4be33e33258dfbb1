/*
 * wire - JSON-RPC 2.0 lines to and from structs; pages of a snapshot.  Pure.
 *
 * wetread-wire(5) documents every message and the bytes of a page.  Lines are at most WIRE_LINE_MAX bytes
 * without the newline.  Everything that is read here comes from the other end and is hostile until parsed:
 * decoders take a bounded amount of memory whatever they are given, and leave their outputs untouched on failure.
 */
#ifndef WETREAD_WIRE_H
#define WETREAD_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/core.h"
#include "wetread/model.h"

enum {
	WIRE_LINE_MAX = 1024 * 1024,
	WIRE_VERSION = 1,
	WIRE_PAGE_ROWS = 200,
	WIRE_ID_MAX = 64,     /* bytes of a request's id, of an op and of a tx */
	WIRE_WORD_MAX = 256,  /* bytes of a reader, a reason code, a study's name */
	WIRE_TEXT_MAX = 65536 /* bytes of a note or a report */
};

struct cJSON;

/* In which phase of a session a method may be asked for; see tbl/method.def. */
enum wire_phase {
	PHASE_AUTH = 1,
	PHASE_HELLO = 2,
	PHASE_LIVE = 4,
	PHASE_BULK = 8 /* hello said that it is one for pictures */
};

enum method {
#define METHOD(name, method, phases, roles, params, result, help) METHOD_##name,
#define NOTICE(name, method, params, help)
#include "method.def"
#undef METHOD
#undef NOTICE
	METHOD_COUNT
};
struct wire_method {
	const char *method, *params, *result, *help;
	unsigned phases, roles;
};
const struct wire_method *wire_method(enum method);
int wire_method_find(const char *method); /* enum method; E_METHOD. Commands are in cmd_find(). */

/* A line as it came in.  `doc` owns everything; pointers borrow from it. */
struct wire_msg {
	struct cJSON *doc;
	const char *method;                 /* NULL: it is an answer */
	const struct cJSON *id;             /* a number or a string; NULL: a notification */
	const struct cJSON *params;         /* an object, or NULL */
	const struct cJSON *result, *error; /* of an answer */
};
int wire_parse(struct wire_msg *, const char *line, size_t n); /* E_SYNTAX, E_LIMIT */
void wire_msg_release(struct wire_msg *);

/* Writers end the line with \n. id is the request's own id, given back as it came (NULL writes null). */
void wire_request(struct buf *, const char *id, const char *method, const char *params_json);
void wire_notify(struct buf *, const char *method, const char *params_json, size_t n);
void wire_result(struct buf *, const struct cJSON *id, const char *result_json, size_t n);
/* text NULL: err_text(). more: further members of `data` without braces, NULL for none. */
void wire_error(struct buf *, const struct cJSON *id, int err, const char *text, const char *more);
void wire_event(struct buf *, const struct event *); /* the `queue.event` notification, LIST fields only */

/* The answer to a command, both ways.  Decoding fills *a, which must be empty; exactly one of result and error is not NULL. */
void wire_answer(struct buf *, const struct cJSON *id, const struct answer *);
int wire_answer_decode(struct answer *, const struct cJSON *result, const struct cJSON *error); /* E_SYNTAX */

/* The request of a command, both ways.  decode borrows from params; on E_USAGE *why (a constant) says which member. */
void wire_command(struct buf *, const char *id, const struct command *);
int wire_command_decode(struct command *, enum cmd kind, const struct cJSON *params, const char **why);

/*
 * A snapshot of the list view as pages.  All pages of one snapshot are one zlib stream and share their
 * dictionaries, so they are read in order; page 0 also carries sites, users and the policy.  Rows are laid
 * down when they are added (the world may change after); a page is deflated when its line is first asked for,
 * and kept, so that a snapshot is made once and shared by all sessions of the same scope.
 */
struct wire_pager;
struct wire_pager *wire_pager_new(const struct world *); /* remembers the world's n_live */
void wire_pager_free(struct wire_pager *);               /* NULL is fine */
/* One more page; ids must be there. Best at most WIRE_PAGE_ROWS, in order of id. A snapshot of nothing is one page of none. */
void wire_pager_add(struct wire_pager *, const struct world *, const uint64_t *ids, size_t n);
unsigned wire_pager_pages(const struct wire_pager *);
uint64_t wire_pager_n(const struct wire_pager *);
/* The `queue.page` line of page i, 0 <= i < pages. Borrowed until the pager is freed. No page may be added after. */
const struct buf *wire_pager_line(struct wire_pager *, unsigned i);

/* The other end: pages into an empty world, in order. */
struct wire_loader;
struct wire_loader *wire_loader_new(void);
void wire_loader_free(struct wire_loader *); /* NULL is fine */
/*
 * Takes the params of the next `queue.page`. E_SYNTAX (also when a page is missing), E_LIMIT; the world may then hold
 * a part of the page and is good for nothing but world_release().
 */
int wire_loader_page(struct wire_loader *, struct world *, const struct cJSON *params);
bool wire_loader_done(const struct wire_loader *);

/*
 * The digest that proves a replica right: BLAKE2b-256 of the list view's lines (world_save) but for the first, as 64
 * hex digits; of the studies only those whose site `sees` admits (NULL: all).  Without the first line because
 * a replica of a part of the queue does not hear of every event.
 */
void wire_digest(
    const struct world *, bool (*sees)(const char *scope, const char *site), const char *scope, char hex[65]);

#endif
