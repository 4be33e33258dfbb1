/* Lines of public key files: no crash, and what is taken has a fingerprint. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

#include "../../src/ctl/ctl_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = xcalloc(1, size + 1); /* the input has no end of its own */
	struct pubkey k = {0};
	const char *why = NULL;
	int err;

	if (size)
		memcpy(line, data, size);
	err = pubkey_parse(line, &k, &why);
	if (err < 0 ? !why : !err && strlen(k.fingerprint) != 50)
		abort();
	pubkey_release(&k);
	free(line);
	return 0;
}
