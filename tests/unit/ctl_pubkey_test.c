/* What must stay true of public keys: OpenSSH's fingerprint, and nothing in that is not a key. */
#include "unit.h"

#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

#include "../../src/ctl/ctl_int.h"

static const struct {
	const char *line, *type, *fingerprint, *comment;
} good[] = {
    {"ssh-ed25519 "
     "AAAAC3NzaC1lZDI1NTE5AAAAIFiHt9P6DpyNRUP92BuCd/kBOd6H09YpuVOUyzN54oBu"
     " okafor@laptop",
        "ssh-ed25519", "SHA256:eIPiiAo806Tgbrp5poUbcrh11IVA3vEzdqetlLv7Y0Y", "okafor@laptop"},
    {"ecdsa-sha2-nistp256 "
     "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBE4gDsojDkE/YuPGWTm/8S2sNCxFRlhYXufV+g"
     "5h5PztQWEnlVePpFLNKYunX1xlqyxGDG7QZkhJcmMZc43SiMs=",
        "ecdsa-sha2-nistp256", "SHA256:HcEy0uUgCO/EjUXT/K3iHXCW267gQ++Gxq0d6PYaVu8", NULL},
    {"ssh-rsa "
     "AAAAB3NzaC1yc2EAAAADAQABAAABAQDtSGtj/2GB5WxxqhHJaF80O9gb3OGPg6NopvzkU20ypD4yRxpDP71UNlt9cf"
     "wAsY7ePEK1oXLPGUlgGHuSpHw3YwrZjlE+OhMoh1ViXUZMNdSG/QHDqCsv9QrnlPk4eyazdalqEY9vKCUGsYU7Vkvo"
     "eQnV6flhUOEC2wp+oJD6YXL1GlBkj1Lt20ZDmAeQq4wRRPVE/OBR8VLUy/LkGNqiQwD2WyO7hzKmEVAM3lmXC41kc2"
     "yzlMxt+c8vyK5wtZQyTkhImMwsgNYx/MJ0Mec+kRCdMCtqrNA8hD1S2sHl2z2XCa69akzB3EvhWrAplxJL4ol9hNvV"
     "LFsyvmEuCFYJ"
     " a b  c",
        "ssh-rsa", "SHA256:LZealrhRAeEiIxiNs83gDdoj9b4qxlK+08t4Lc0aWc4", "a b  c"},
    {"sk-ssh-ed25519@openssh.com "
     "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIFiHt9P6DpyNRUP92BuCd/kBOd6H09YpuVOUyzN54oBuAA"
     "AABHNzaDo="
     " token",
        "sk-ssh-ed25519@openssh.com", "SHA256:0pBVRe6ZZGROJ8PQAZkkyoStUYdzog3+2YPokBGNq/c", "token"},
    {"sk-ecdsa-sha2-nistp256@openssh.com "
     "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBE4gDsojDkE/YuPGWT"
     "m/8S2sNCxFRlhYXufV+g5h5PztQWEnlVePpFLNKYunX1xlqyxGDG7QZkhJcmMZc43SiMsAAAAEc3NoOg=="
     " token",
        "sk-ecdsa-sha2-nistp256@openssh.com", "SHA256:FjmuPDixk41tSuI7j9vLjuCjZ9aW1KVVcylk4Zq8lQE", "token"},
};
enum { NGOOD = sizeof(good) / sizeof(*good) };

static void a_key_has_the_fingerprint_that_openssh_prints(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NGOOD; i++) {
		struct pubkey k;
		const char *why = NULL;

		if (pubkey_parse(good[i].line, &k, &why))
			fail_msg("%s: %s", good[i].type, why);
		assert_string_equal(k.fingerprint, good[i].fingerprint);
		assert_string_equal(k.type, good[i].type);
		if (good[i].comment)
			assert_string_equal(k.comment, good[i].comment);
		else
			assert_null(k.comment);
		pubkey_release(&k);
	}
}

#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIFiHt9P6DpyNRUP92BuCd/kBOd6H09YpuVOUyzN54oBu"

static void what_is_not_a_key_is_refused_and_named(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
	    {"ssh-ed25519", "not base64"},
	    {"ssh-ed25519 ", "not base64"},
	    {"ssh-ed25519 ####", "not base64"},
	    {"ssh-ed25519 AAAA", "not the same"},
	    {"ssh-rsa " ED25519, "not the same"},
	    {"ssh-ed25519 " ED25519 "AAAA", "not a whole"},
	    {"ssh-ed25519-cert-v01@openssh.com " ED25519, "certificates"},
	    {"ssh-dss AAAAB3NzaC1kc3M=", "DSA"},
	    {"ecdsa-sha2-nistp521 AAAA", "not accepted"},
	    {"ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBM6b1kTErhfmdLN7kp"
	     "UtlgvuXXbOoWY1q+GjNAMRWdfoOpHbG8trLMRzLRecXNkxG92sqhxI1aPP0VS5H2H33FK4MB9aIqZ2kdt/M47oRstF"
	     "pJ1sJ9OYlUy4tdTmuFunVA==",
	        "not accepted"},
	    {"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCvzGyPxTevC3h1bTslhBA0rAD+qj2PDSEHyjAwCClVmsJ4L2gQov"
	     "4vVWjEm9jf+VvBBWszWbG2+AVUvVOZQoyBAECVykXXN5kMSNTgc6N7NPVxAl/uSKb0wVTfPPVIhhy2jJGSzGPFsCPD"
	     "/75oZ5tuPeEwAs0I53XqXR1npS4TLw==",
	        "not a whole RSA key of 2048"},
	    {"from=\"10.0.0.1\" ssh-ed25519 " ED25519, "options before"},
	    {"restrict ssh-ed25519 " ED25519, "options before"},
	    {"-----BEGIN OPENSSH PRIVATE KEY-----", "private key"},
	    {"okafor", "not an OpenSSH public key"},
	    {"SSH-ED25519 " ED25519, "not an OpenSSH public key"},
	    {"ssh-ed25519\v" ED25519, "not accepted"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pubkey k = {.type = "untouched"};
		const char *why = "";

		if (pubkey_parse(bad[i].line, &k, &why) != E_USAGE || !strstr(why, bad[i].says))
			fail_msg("%s: %s", bad[i].line, why);
		assert_string_equal(k.type, "untouched");
	}
}

static void empty_lines_and_comments_are_passed_over(void **state)
{
	static const char *const lines[] = {"", "  ", "\r", "# ssh-ed25519 AAAA", "\t# x"};
	const char *why = NULL;
	struct pubkey k;

	(void)state;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(pubkey_parse(lines[i], &k, &why), 1);
}

static void blanks_around_a_key_do_not_matter(void **state)
{
	const char *why = NULL;
	struct pubkey k;

	(void)state;
	assert_int_equal(pubkey_parse("  ssh-ed25519 \t " ED25519 "   okafor@laptop\r\n", &k, &why), 0);
	assert_string_equal(k.fingerprint, good[0].fingerprint);
	assert_string_equal(k.comment, "okafor@laptop");
	pubkey_release(&k);
}

static void a_comment_cannot_write_to_a_terminal(void **state)
{
	const char *why = NULL;
	struct pubkey k;

	(void)state;
	assert_int_equal(pubkey_parse("ssh-ed25519 " ED25519 " a\033[31mb\x9b\xe2\x80\xae", &k, &why), 0);
	assert_null(strchr(k.comment, 27));
	assert_null(strstr(k.comment, "\xe2\x80\xae"));
	pubkey_release(&k);
}

static char *encode(const char *type, const unsigned char *blob, size_t n)
{
	char base64[8192];

	sodium_bin2base64(base64, sizeof(base64), blob, n, sodium_base64_VARIANT_ORIGINAL);
	return xasprintf("%s %s", type, base64);
}

/* Cut anywhere, it is no key; with any bit of its frame changed it is refused or another key, never a crash. */
static void a_key_that_was_cut_or_hurt_is_not_that_key(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NGOOD; i++) {
		unsigned char blob[4096];
		const char *base64 = good[i].line + strlen(good[i].type) + 1, *why;
		size_t n;

		assert_int_equal(sodium_base642bin(blob, sizeof(blob), base64, strcspn(base64, " "), NULL, &n,
		                     NULL, sodium_base64_VARIANT_ORIGINAL),
		    0);
		for (size_t cut = 0; cut < n; cut++) {
			char *line = encode(good[i].type, blob, cut);
			struct pubkey k;

			assert_int_equal(pubkey_parse(line, &k, &why), E_USAGE);
			free(line);
		}
		for (size_t bit = 0; bit < n * 8; bit++) {
			struct pubkey k = {0};
			char *line;

			blob[bit / 8] ^= (unsigned char)(1 << bit % 8);
			line = encode(good[i].type, blob, n);
			if (!pubkey_parse(line, &k, &why))
				assert_string_not_equal(k.fingerprint, good[i].fingerprint);
			pubkey_release(&k);
			blob[bit / 8] ^= (unsigned char)(1 << bit % 8);
			free(line);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_has_the_fingerprint_that_openssh_prints),
	    cmocka_unit_test(what_is_not_a_key_is_refused_and_named),
	    cmocka_unit_test(empty_lines_and_comments_are_passed_over),
	    cmocka_unit_test(blanks_around_a_key_do_not_matter),
	    cmocka_unit_test(a_comment_cannot_write_to_a_terminal),
	    cmocka_unit_test(a_key_that_was_cut_or_hurt_is_not_that_key),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
