/*
 * Socket addresses.  "127.0.0.1:2222", "[::1]:2222", ":2222" (any IPv4 address); networks as "10.1.0.0/16".
 *
 * Inside, an IPv4 address is the IPv6 address it maps to, so that there is one way to compare.
 */
#include "config.h"

#include "wetread/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"

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

/* As sixteen bytes; false for what is no internet address. */
static bool whole(const struct sockaddr_storage *sa, unsigned char out[16])
{
	memset(out, 0, 16);
	if (sa->ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
		return true;
	}
	if (sa->ss_family != AF_INET)
		return false;
	out[10] = out[11] = 0xff;
	memcpy(out + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	return true;
}

void address_source(const struct address *a, struct source *out)
{
	const struct in6_addr *six = (const struct in6_addr *)out->addr;

	whole(&a->sa, out->addr);
	if (!IN6_IS_ADDR_V4MAPPED(six))
		memset(out->addr + 8, 0,
		    8); /* one customer holds a whole /64, so more bits would be no limit at all */
}

/* ---- networks */

static int parse_bits(const char *slash, unsigned most, unsigned *bits)
{
	char *rest;
	unsigned long n;

	*bits = most;
	if (!slash)
		return 0;
	n = strtoul(slash + 1, &rest, 10);
	if (slash[1] < '0' || slash[1] > '9' || *rest || n > most)
		return E_SYNTAX;
	*bits = (unsigned)n;
	return 0;
}

int network_parse(const char *text, struct network *out)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct network net = {0};
	char host[PEER_MAX];

	if (n >= sizeof(host))
		return E_SYNTAX;
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET6, host, net.addr) == 1) {
		if (parse_bits(slash, 128, &net.bits) < 0)
			return E_SYNTAX;
	} else if (inet_pton(AF_INET, host, net.addr + 12) == 1) {
		net.addr[10] = net.addr[11] = 0xff;
		if (parse_bits(slash, 32, &net.bits) < 0)
			return E_SYNTAX;
		net.bits += 96;
	} else
		return E_SYNTAX;
	*out = net;
	return 0;
}

bool network_has(const struct network *net, const struct address *a)
{
	unsigned char addr[16];

	if (!whole(&a->sa, addr))
		return false;
	for (unsigned i = 0; i < net->bits; i++)
		if ((addr[i / 8] ^ net->addr[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}
