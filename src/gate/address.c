/*
 * Socket addresses as text and as what the limits count by.
 *
 * "127.0.0.1:2222", "[::1]:2222", ":2222" (any IPv4 address).  Numeric only: a
 * listener must not depend on a name server.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"
#include "gate_int.h"

/* Cuts text into host and port; host loses its brackets. */
static int split(const char *text, char host[PEER_MAX], const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t n;

	if (!colon || !colon[1])
		return E_SYNTAX;
	n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	} else if (memchr(text, ':', n)) {
		return E_SYNTAX; /* an IPv6 address needs its brackets */
	}
	if (n >= PEER_MAX)
		return E_SYNTAX;
	memcpy(host, text, n);
	host[n] = '\0';
	*port = colon + 1;
	return 0;
}

int address_parse(const char *text, struct address *out)
{
	struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	    .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char host[PEER_MAX];
	const char *port;

	if (split(text, host, &port) < 0)
		return E_SYNTAX;
	if (getaddrinfo(host[0] ? host : "0.0.0.0", port, &hints, &found))
		return E_SYNTAX;
	memcpy(&out->sa, found->ai_addr, found->ai_addrlen);
	out->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

void address_text(const struct address *a, char out[PEER_MAX])
{
	char host[INET6_ADDRSTRLEN + 16], port[8];

	if (getnameinfo((const struct sockaddr *)&a->sa, a->len, host, sizeof(host), port, sizeof(port),
	        NI_NUMERICHOST | NI_NUMERICSERV)) {
		snprintf(out, PEER_MAX, "unknown");
		return;
	}
	snprintf(out, PEER_MAX, a->sa.ss_family == AF_INET6 ? "[%.47s]:%s" : "%.47s:%s", host, port);
}

void address_source(const struct address *a, struct source *out)
{
	memset(out, 0, sizeof(*out));
	if (a->sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->sa;
		bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		/* One customer holds a whole /64, so more bits would be no limit at all. */
		memcpy(out->addr, &in6->sin6_addr, mapped ? 16 : 8);
	} else if (a->sa.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&a->sa;

		out->addr[10] = out->addr[11] = 0xff;
		memcpy(out->addr + 12, &in->sin_addr, 4);
	}
}
