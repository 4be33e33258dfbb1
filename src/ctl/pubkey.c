/*
 * Public keys as OpenSSH writes them (RFC 4253 section 6.6, RFC 8709, RFC 5656, PROTOCOL.u2f):
 *
 *     ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0v... okafor@laptop
 *
 * The blob is taken apart far enough to know that it is a key of its type and nothing else, since its hash is
 * what lets somebody in.  The types are those that wetread-gate accepts.
 */
#include "config.h"

#include "ctl_int.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { BLOB_MAX = 4096, RSA_MIN = 2048, RSA_MAX = 16384 };

/* Bytes that are still to be read. */
struct blob {
	const unsigned char *at;
	size_t left;
};

struct piece {
	const unsigned char *at;
	size_t n;
};

static bool take(struct blob *b, struct piece *out)
{
	size_t n;

	if (b->left < 4)
		return false;
	n = (size_t)b->at[0] << 24 | (size_t)b->at[1] << 16 | (size_t)b->at[2] << 8 | b->at[3];
	if (n > b->left - 4)
		return false;
	*out = (struct piece){b->at + 4, n};
	b->at += 4 + n;
	b->left -= 4 + n;
	return true;
}

static bool is(const struct piece *p, const char *word)
{
	return p->n == strlen(word) && !memcmp(p->at, word, p->n);
}

static bool ed25519(struct blob *b)
{
	struct piece key;

	return take(b, &key) && key.n == 32;
}

/* An uncompressed point: 4, x, y. */
static bool p256(struct blob *b)
{
	struct piece curve, point;

	return take(b, &curve) && is(&curve, "nistp256") && take(b, &point) && point.n == 65 &&
	       point.at[0] == 4;
}

static bool application(struct blob *b)
{
	struct piece name;

	return take(b, &name) && name.n > 0 && name.n <= 255;
}

static bool sk_ed25519(struct blob *b)
{
	return ed25519(b) && application(b);
}

static bool sk_p256(struct blob *b)
{
	return p256(b) && application(b);
}

/* Positive, without needless zeroes; its length in bits, 0 if it is not one. */
static unsigned mpint_bits(const struct piece *p)
{
	size_t skip = p->n && !p->at[0];
	unsigned bits;

	if (p->n == skip || p->at[0] & 0x80 || (skip && !(p->at[1] & 0x80)) || p->n > RSA_MAX / 8 + 1)
		return 0;
	bits = (unsigned)(p->n - skip) * 8;
	for (unsigned char top = p->at[skip]; !(top & 0x80); top = (unsigned char)(top << 1))
		bits--;
	return bits;
}

static bool rsa(struct blob *b)
{
	struct piece e, n;
	unsigned bits;

	if (!take(b, &e) || !take(b, &n))
		return false;
	bits = mpint_bits(&n);
	return mpint_bits(&e) > 1 && e.at[e.n - 1] & 1 && bits >= RSA_MIN && bits <= RSA_MAX;
}

static const struct type {
	const char *name;
	bool (*check)(struct blob *);
	const char *why; /* what a blob of this type that does not pass is */
} types[] = {
    {"ssh-ed25519", ed25519, "it is not a whole ssh-ed25519 key"},
    {"sk-ssh-ed25519@openssh.com", sk_ed25519, "it is not a whole sk-ssh-ed25519 key"},
    {"ecdsa-sha2-nistp256", p256, "it is not a whole ecdsa-sha2-nistp256 key"},
    {"sk-ecdsa-sha2-nistp256@openssh.com", sk_p256, "it is not a whole sk-ecdsa-sha2-nistp256 key"},
    {"ssh-rsa", rsa, "it is not a whole RSA key of 2048 to 16384 bits"},
};

static const struct type *type_find(const char *word)
{
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].name, word))
			return &types[i];
	return NULL;
}

/* A first word that is none of our types is best told apart by what people paste. */
static const char *why_not_type(const char *word)
{
	if (!strncmp(word, "-----", 5))
		return strstr(word, "BEGIN")
		           ? "this is a private key file or a key in another format: give the .pub file"
		           : "this is not an OpenSSH public key";
	if (strstr(word, "-cert-v01@openssh.com"))
		return "certificates are not accepted: give the plain public key";
	if (!strcmp(word, "ssh-dss"))
		return "DSA keys are not safe: make one with ssh-keygen -t ed25519";
	if (!strncmp(word, "ecdsa-", 6) || !strncmp(word, "ssh-", 4) || !strncmp(word, "sk-", 3))
		return "keys of this type are not accepted: ssh-keygen -t ed25519 makes one that is";
	if (strchr(word, '=') || strchr(word, '"') || strstr(word, "no-") || !strcmp(word, "restrict"))
		return "options before the key are not used here: leave only type, key and comment";
	return "this is not an OpenSSH public key: it begins with its type, such as ssh-ed25519";
}

static int check_blob(const struct type *type, const unsigned char *bytes, size_t n, const char **why)
{
	struct blob b = {bytes, n};
	struct piece name;

	if (!take(&b, &name) || !is(&name, type->name)) {
		*why = "the type before the key and the one within it are not the same";
		return E_USAGE;
	}
	if (!type->check(&b) || b.left) {
		*why = type->why;
		return E_USAGE;
	}
	return 0;
}

static void print_of(const unsigned char *bytes, size_t n, char out[64])
{
	unsigned char hash[32];

	crypto_hash_sha256(hash, bytes, n);
	snprintf(out, 64, "SHA256:");
	sodium_bin2base64(out + 7, 57, hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

int pubkey_parse(const char *line, struct pubkey *out, const char **why)
{
	unsigned char blob[BLOB_MAX];
	char *copy = xstrdup(line), *rest = copy, *word, *base64;
	const struct type *type;
	size_t n = 0;
	int err = E_USAGE;

	copy[strcspn(copy, "\r\n")] = 0;
	rest += strspn(rest, " \t");
	if (!*rest || *rest == '#') {
		err = 1;
		goto done;
	}
	if (!strncmp(rest, "-----", 5)) {
		*why = why_not_type(rest);
		goto done;
	}
	word = strsep(&rest, " \t");
	type = type_find(word);
	if (!type) {
		*why = why_not_type(word);
		goto done;
	}
	if (rest)
		rest += strspn(rest, " \t");
	base64 = strsep(&rest, " \t");
	if (!base64 || !*base64 ||
	    sodium_base642bin(
	        blob, sizeof(blob), base64, strlen(base64), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL)) {
		*why = "the key after its type is not base64: a part of the line may be missing";
		goto done;
	}
	err = check_blob(type, blob, n, why);
	if (err)
		goto done;
	*out = (struct pubkey){.type = type->name};
	print_of(blob, n, out->fingerprint);
	if (rest)
		rest += strspn(rest, " \t");
	if (!str_empty(rest))
		out->comment = text_clean_dup(rest);
done:
	free(copy);
	return err;
}

void pubkey_release(struct pubkey *k)
{
	free(k->comment);
	*k = (struct pubkey){0};
}
