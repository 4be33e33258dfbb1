/* pictures_int - the small pictures of one study, fetched over a second connection. */
#ifndef PICTURES_INT_H
#define PICTURES_INT_H

#include "cli_int.h"

#include "wetread/fetch.h"

struct pictures;
/* Asks for the manifest of a study as typed, on the session that is open. *answer: whose it is; cJSON_Delete() it. */
int pictures_open(struct cli *, const char *study, struct pictures **, struct cJSON **answer);
void pictures_close(struct pictures *); /* NULL is fine */
const struct manifest *pictures_manifest(const struct pictures *);
/* Waits until the slice is here, or the time is over: then what there is of it. */
int pictures_get(struct pictures *, uint32_t series, uint32_t place, struct plane *out, unsigned *percent);

#endif
