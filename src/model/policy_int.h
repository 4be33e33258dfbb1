/* policy_int - what the policy's reader and its users share. */
#ifndef WETREAD_POLICY_INT_H
#define WETREAD_POLICY_INT_H

#include "wetread/policy.h"

enum condition_key { COND_SITE, COND_PROTOCOL, COND_PRIO, COND_CLASS, COND_MODALITY, COND_EXAM };
struct condition {
	enum condition_key key;
	char *values; /* "a,b*" */
};

/* What a clock may start from: the words and the study's times they stand for (all in the list view). */
enum { FROM_READY, FROM_ORDERED, FROM_IMAGES, FROM_COUNT };
enum { FROM_DEFAULT = 1 << FROM_READY | 1 << FROM_ORDERED };
struct from_word {
	const char *word;
	size_t offset; /* in struct study */
};
extern const struct from_word policy_from[FROM_COUNT];

#endif
