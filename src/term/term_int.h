/* Private to the terminal part. */
#ifndef WETREAD_TERM_INT_H
#define WETREAD_TERM_INT_H

/* Can a terminal of this type place its cursor?  E_USAGE and *why (caller frees). */
int kind_check(const char *type, char **why);

#endif
