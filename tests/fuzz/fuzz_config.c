/*
 * A configuration file: refused with the line, or read so that it can be shown, and shows no secret.
 *
 *     | INI |
 */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/config.h"

static void show(const struct tgd_config *c)
{
    json_t *all = tgd_config_json(c);
    const char *hash = json_string_value(json_object_get(json_object_get(all, "daemon.api_hash"), "value"));

    FUZZ_CHECK(all);
    FUZZ_CHECK(hash && (strcmp(hash, "set") == 0 || strcmp(hash, "not set") == 0));
    json_decref(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("tgd.conf", MFD_CLOEXEC);
    char path[32], err[256] = "", kept[256];
    struct tgd_config c, running;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tgd_config_init(&c);
    tgd_config_init(&running);
    if (tgd_config_read(&c, path, err) == 0) {
        show(&c);
        tgd_config_apply(&running, &c, kept);
        show(&running);
        FUZZ_CHECK(memchr(kept, 0, sizeof kept));
    } else {
        FUZZ_CHECK(err[0] && memchr(err, 0, sizeof err));
    }
    tgd_config_fini(&running);
    tgd_config_fini(&c);
    close(fd);
    return 0;
}
