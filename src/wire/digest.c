/* The list view's digest; see wire.h. */
#include "config.h"

#include "wetread/wire.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

struct digest {
	crypto_generichash_state state;
	const struct world *w;
	bool (*sees)(const char *scope, const char *site);
	const char *scope;
};

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* Lines of studies begin {"t":"study","id":17, */
static bool counts(const struct digest *d, const char *json)
{
	static const char head[] = "{\"t\":\"study\",\"id\":";
	const struct study *s;

	if (starts(json, "{\"t\":\"world\""))
		return false;
	if (!d->sees || !starts(json, head))
		return true;
	s = world_study(d->w, strtoull(json + sizeof head - 1, NULL, 10));
	return s && d->sees(d->scope, s->site);
}

static int hash_line(void *ctx, const char *json, size_t n)
{
	struct digest *d = ctx;

	if (!counts(d, json))
		return 0;
	crypto_generichash_update(&d->state, (const unsigned char *)json, n);
	crypto_generichash_update(&d->state, (const unsigned char *)"\n", 1);
	return 0;
}

void wire_digest(
    const struct world *w, bool (*sees)(const char *scope, const char *site), const char *scope, char hex[65])
{
	struct digest d = {.w = w, .sees = sees, .scope = scope};
	unsigned char hash[32];

	crypto_generichash_init(&d.state, NULL, 0, sizeof hash);
	world_save(w, true, hash_line, &d);
	crypto_generichash_final(&d.state, hash, sizeof hash);
	sodium_bin2hex(hex, 65, hash, sizeof hash);
}
