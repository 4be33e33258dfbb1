/*
 * address - socket addresses as text, and as what limits and lists count by.
 *
 * Numeric only: a listener must not depend on a name server.  Pure.
 */
#ifndef WETREAD_ADDRESS_H
#define WETREAD_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#define PEER_MAX 64 /* "[addr]:port" */

struct source { /* an IPv4 address, or an IPv6 /64 */
	unsigned char addr[16];
};
struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* "127.0.0.1:2222", "[::1]:2222", ":2222" (any IPv4 address). E_SYNTAX. */
int address_parse(const char *text, struct address *out);
void address_text(const struct address *, char out[PEER_MAX]);
void address_source(const struct address *, struct source *out);

struct network {
	unsigned char addr[16]; /* IPv4 as mapped into IPv6 */
	unsigned bits;
};
/* "10.1.0.0/16", "10.1.0.7", "fd00::/8". E_SYNTAX. */
int network_parse(const char *text, struct network *out);
bool network_has(const struct network *, const struct address *);

#endif
