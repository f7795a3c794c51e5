/*
 * Our codec as a filter, for run.mjs: commands on stdin, one answer a line on stdout.
 *
 *     small NAME FIELD   (no answer) longs of that field are below 2^53 there, so make them so
 *     defs               count of defs
 *     make I SEED        NAME BYTES JSON     a random value of def I; `-` for another shape
 *     back BYTES         BYTES JSON          bytes -> JSON -> bytes; or: error TEXT
 *
 * BYTES is hex; JSON has no line break and is the rest of the line.
 */
#include "tests/unit/tl/gen.h"
#include "tl/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tl_field any = {.kind = TL_K_ANY, .flag_bit = TL_NO_FLAG};

static void print_hex(const struct tl_out *bytes)
{
    for (size_t i = 0; i < bytes->len; i++)
        printf("%02x", bytes->data[i]);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *hex, struct tl_out *bytes)
{
    for (; hex_digit(hex[0]) >= 0 && hex_digit(hex[1]) >= 0; hex += 2) {
        uint8_t b = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
        tl_put_raw(bytes, &b, 1);
    }
    return *hex == 0 && !bytes->err;
}

static void set_small(uint8_t *small, char *args)
{
    char *field = strchr(args, ' ');
    const struct tl_def *def = NULL;

    if (!field)
        return;
    *field++ = 0;
    for (int function = 0; function < 2 && !def; function++)
        def = tl_def_by_name(args, strlen(args), function);
    if (def && tl_field_by_name(def, field, strlen(field)) >= 0)
        small[def->first_field + tl_field_by_name(def, field, strlen(field))] = 1;
}

static void make(struct tl_gen *gen, const char *args)
{
    unsigned long long seed = 0;
    size_t i = 0;
    const struct tl_def *def;
    struct tl_out bytes = {0}, text = {0};
    struct tl_in in;

    if (sscanf(args, "%zu %llu", &i, &seed) != 2 || !(def = tl_def_at(i)) || def->section == TL_S_COMPAT) {
        puts("-");
        return;
    }
    tl_gen_seed(gen, seed * 1000003 + i);
    gen->flag_chance = seed == 0 ? 256 : seed == 1 ? 0 : 96;
    tl_gen_object(gen, def, &bytes);
    in = tl_in(bytes.data, bytes.len);
    tl_to_json(&in, &text);
    printf("%s ", tl_def_name(def));
    print_hex(&bytes);
    printf(" %.*s\n", (int)text.len, (const char *)text.data);
    tl_out_free(&bytes);
    tl_out_free(&text);
}

static void back(const char *hex)
{
    struct tl_out bytes = {0}, text = {0}, again = {0};
    struct tl_json_error error = {0};
    struct tl_in in;
    json_t *tree = NULL;

    if (!read_hex(hex, &bytes)) {
        puts("error not hex");
        return;
    }
    in = tl_in(bytes.data, bytes.len);
    if (tl_to_json(&in, &text) || tl_end(&in)) {
        printf("error %s at %zu\n", tl_strerror(in.err), (size_t)(in.p - bytes.data));
    } else {
        tree = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
        if (tl_field_from_json(&any, tree, "value", NULL, &again, &error)) {
            printf("error %s: %s\n", error.path, error.text);
        } else {
            print_hex(&again);
            printf(" %.*s\n", (int)text.len, (const char *)text.data);
        }
    }
    json_decref(tree);
    tl_out_free(&bytes);
    tl_out_free(&text);
    tl_out_free(&again);
}

int main(void)
{
    struct tl_gen gen;
    uint8_t *small = calloc(UINT16_MAX, 1);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    if (!small || !tl_gen_init(&gen, 0))
        return 1;
    gen.small = small;
    gen.filled = true;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        line[n - (line[n - 1] == '\n')] = 0;
        if (strncmp(line, "small ", 6) == 0)
            set_small(small, line + 6);
        else if (strcmp(line, "defs") == 0)
            printf("%zu\n", tl_def_count());
        else if (strncmp(line, "make ", 5) == 0)
            make(&gen, line + 5);
        else if (strncmp(line, "back ", 5) == 0)
            back(line + 5);
        else
            puts("error what?");
    }
    free(line);
    free(small);
    tl_gen_fini(&gen);
    return 0;
}
