/*
 * errors - one list of everything that can go wrong.
 *
 * Functions return 0 (or a count) on success and a negative E_* on failure;
 * outputs are untouched on failure.  The list is tbl/errors.def.
 */
#ifndef WETREAD_ERRORS_H
#define WETREAD_ERRORS_H

enum err {
	E_OK = 0,
#define ERR(name, num, rpc, exitcode, hl7, text) E_##name = -(num),
#include "errors.def"
#undef ERR
};

/* Each takes the negative E_* (or E_OK) and never fails; unknown numbers read as E_IO. */
const char *err_text(int err); /* for a person */
const char *err_name(int err); /* "stale": stable, for programs */
int err_rpc(int err);          /* JSON-RPC 2.0 error code */
int err_exit(int err);         /* exit code of the one-shot commands */
int err_hl7(int err);          /* HL7 table 0357 code, 0 if none fits */
int err_of_rpc(int rpc);       /* the E_* with this JSON-RPC code, E_IO if none */
int err_of_name(const char *); /* the E_* with this name, E_IO if none */

#endif
