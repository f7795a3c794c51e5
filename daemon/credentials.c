#include "daemon/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/crypto.h"
#include "daemon/config.h"
#include "daemon/paths.h"

enum { SECRET_MIN = 16, SECRET_MAX = 4096 };

/* Its bytes without a newline at the end; 0: there is no such credential; -1: words in err[]. */
static long read_one(const char *name, char text[SECRET_MAX + 2], char err[256])
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[TGD_PATH_MAX];
    size_t n = 0;
    FILE *f;

    if (!dir || (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
        return 0;
    f = fopen(path, "re");
    if (!f && errno == ENOENT)
        return 0;
    if (f) {
        setvbuf(f, NULL, _IONBF, 0); /* no copy of it stays in a buffer */
        n = fread(text, 1, SECRET_MAX + 2, f);
    }
    if (!f || ferror(f) || n == 0 || n > SECRET_MAX + 1) {
        snprintf(err, 256, "credential %.40s: %s", name,
                 n                 ? "too large"
                 : f && !ferror(f) ? "empty"
                                   : strerror(errno));
        if (f)
            fclose(f);
        return -1;
    }
    fclose(f);
    if (n && text[n - 1] == '\n')
        n--;
    return (long)n;
}

static int read_hash(struct tgd_config *c, char *text, char err[256])
{
    long n = c->api_hash ? 0 : read_one("api_hash", text, err);

    if (n <= 0)
        return (int)n;
    text[n] = 0;
    text[strcspn(text, " \r\n")] = 0;
    return tgd_config_set(c, "api_hash", text, err);
}

static int read_key(struct tgd_config *c, char *text, char err[256])
{
    static const char label[] = "tgd keys.db 1";
    struct mt_part part = {text, 0};
    long n = read_one("keys", text, err);

    if (n <= 0)
        return (int)n;
    if (n < SECRET_MIN) {
        snprintf(err, 256, "credential keys: shorter than %d bytes", SECRET_MIN);
        return -1;
    }
    part.n = (size_t)n;
    mt_hmac_sha256(c->keys_key, label, sizeof label - 1, &part, 1);
    c->has_keys_key = true;
    return 0;
}

int tgd_credentials_read(struct tgd_config *c, char err[256])
{
    char text[SECRET_MAX + 2];
    int r = read_hash(c, text, err);

    if (r == 0)
        r = read_key(c, text, err);
    mt_wipe(text, sizeof text);
    return r;
}
