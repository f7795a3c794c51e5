/*
 * Test vectors: files below tests/vectors, where a line at the margin names a value and indented lines of hex
 * below it hold its bytes. `#` begins a comment. The folder is in $TGD_VECTORS (meson sets it). Include
 * after check.h.
 */
#pragma once

/* A whole file, NUL-terminated; the caller frees it. Fails the test where it cannot be read. */
static inline char *vector_file(const char *name, size_t *n)
{
    const char *dir = getenv("TGD_VECTORS");
    char path[1024];
    char *text;
    FILE *f;
    long size;

    if (n)
        *n = 0;
    snprintf(path, sizeof path, "%s/%s", dir ? dir : "tests/vectors", name);
    f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
        fail_msg("cannot read %s", path);
        return NULL;
    }
    rewind(f);
    text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, f), size);
    text[size] = 0;
    if (n)
        *n = (size_t)size;
    fclose(f);
    return text;
}

/* The bytes of `name` in `file` into buf; returns how many. Fails the test where there is no such name. */
static inline size_t vector(const char *file, const char *name, void *buf, size_t cap)
{
    char *text = vector_file(file, NULL), *save = NULL;
    uint8_t *out = buf;
    size_t n = 0;
    int found = 0;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (*line != ' ')
            found = strcmp(line, name) == 0 ? 1 : 0;
        else if (found)
            n += unhex(line, out + n, cap - n);
    }
    free(text);
    if (!n)
        fail_msg("no vector %s in %s", name, file);
    return n;
}

/* The same where the length is known beforehand. */
static inline void vector_exact(const char *file, const char *name, void *buf, size_t n)
{
    assert_int_equal(vector(file, name, buf, n), n);
}
