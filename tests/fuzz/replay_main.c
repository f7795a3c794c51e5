/* Runs a fuzz target once over each file of the folders and files given; fails where there is none. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

static unsigned ran;

static int run_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size ? size : 1); /* exactly as long, so that a sanitizer sees the end */
    FILE *f = fopen(path, "rb");
    int ok = data && f && fread(data, 1, size, f) == size;

    if (ok) {
        LLVMFuzzerTestOneInput(data, size);
        ran++;
    } else {
        perror(path);
    }
    if (f)
        fclose(f);
    free(data);
    return ok ? 0 : -1;
}

static int run_path(const char *path)
{
    struct stat st;
    struct dirent *entry;
    DIR *dir;
    int err = 0;

    if (stat(path, &st) != 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(st.st_mode))
        return run_file(path, (size_t)st.st_size);
    dir = opendir(path);
    if (!dir)
        return -1;
    while ((entry = readdir(dir))) {
        char name[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (run_path(name) < 0)
            err = -1;
    }
    closedir(dir);
    return err;
}

int main(int argc, char **argv)
{
    int err = 0;

    for (int i = 1; i < argc; i++) {
        if (run_path(argv[i]) < 0)
            err = -1;
    }
    printf("%u inputs\n", ran);
    return err || ran == 0;
}
