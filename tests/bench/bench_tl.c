/*
 * What one update costs in tl/: the container of a new message from a user in a supergroup, as a busy account
 * gets it. One JSON object on stdout; times are the best of several rounds, in nanoseconds an operation.
 *
 *     bench_tl [ROUNDS]
 */
#include "tl/ids.h"
#include "tl/json.h"
#include "tl/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPS 2000

struct bench {
    struct tl_out bytes;
    struct tl_out text;
    json_t *tree;
};

static void put_message(struct tl_out *out)
{
    tl_put_u32(out, TL_message);
    tl_put_u32(out, 1 << 7 | 1 << 8 | 1 << 3); /* entities, from_id, reply_to */
    tl_put_u32(out, 0);
    tl_put_int(out, 48123);
    tl_put_u32(out, TL_peerUser);
    tl_put_long(out, INT64_C(5123456789));
    tl_put_u32(out, TL_peerChannel);
    tl_put_long(out, INT64_C(1987654321));
    tl_put_u32(out, TL_messageReplyHeader);
    tl_put_u32(out, 1 << 4);
    tl_put_int(out, 48120);
    tl_put_int(out, 1700000000);
    tl_put_str(out, "The build of the release branch went through: 412 passed, 0 failed. Näheres unter "
                    "https://ci.example.org/runs/8812 \"nightly\" 🎉");
    tl_put_vector(out, 2);
    tl_put_u32(out, TL_messageEntityBold);
    tl_put_int(out, 4);
    tl_put_int(out, 5);
    tl_put_u32(out, TL_messageEntityUrl);
    tl_put_int(out, 82);
    tl_put_int(out, 32);
}

static void put_user(struct tl_out *out)
{
    tl_put_u32(out, TL_user);
    tl_put_u32(out, 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6); /* access_hash, names, username, status */
    tl_put_u32(out, 0);
    tl_put_long(out, INT64_C(5123456789));
    tl_put_long(out, INT64_C(-7123456789123456789));
    tl_put_str(out, "Alice");
    tl_put_str(out, "Liddell");
    tl_put_str(out, "alice_in_ci");
    tl_put_u32(out, TL_userStatusOnline);
    tl_put_int(out, 1700000300);
}

static void put_channel(struct tl_out *out)
{
    tl_put_u32(out, TL_channel);
    tl_put_u32(out, 1 << 8 | 1 << 13 | 1 << 6); /* megagroup, access_hash, username */
    tl_put_u32(out, 0);
    tl_put_long(out, INT64_C(1987654321));
    tl_put_long(out, INT64_C(6123456789123456789));
    tl_put_str(out, "Release engineering");
    tl_put_str(out, "releng");
    tl_put_u32(out, TL_chatPhotoEmpty);
    tl_put_int(out, 1690000000);
}

static void put_updates(struct tl_out *out)
{
    tl_put_u32(out, TL_updates);
    tl_put_vector(out, 1);
    tl_put_u32(out, TL_updateNewChannelMessage);
    put_message(out);
    tl_put_int(out, 91234);
    tl_put_int(out, 1);
    tl_put_vector(out, 1);
    put_user(out);
    tl_put_vector(out, 1);
    put_channel(out);
    tl_put_int(out, 1700000000);
    tl_put_int(out, 0);
}

/* --- operations; each answers 0 if it went wrong --- */

static size_t open_view(struct bench *b)
{
    struct tl_view v;

    return tl_view_open(&v, b->bytes.data, b->bytes.len) == TL_OK ? v.n : 0;
}

/* As the engine reads it: down to the message and its text. */
static size_t read_fields(struct bench *b)
{
    struct tl_view v, update, message;
    struct tl_vec vec;

    if (tl_view_open(&v, b->bytes.data, b->bytes.len))
        return 0;
    vec = tl_get_vector(&v, TLF_updates__updates);
    if (!tl_vec_object(&vec, &update) ||
        !tl_get_object(&update, TLF_updateNewChannelMessage__message, &message))
        return 0;
    return (size_t)tl_get_int(&message, TLF_message__id) + tl_get_bytes(&message, TLF_message__message).n;
}

static size_t render(struct bench *b)
{
    struct tl_in in = tl_in(b->bytes.data, b->bytes.len);

    tl_out_reset(&b->text);
    return tl_to_json(&in, &b->text) == TL_OK ? b->text.len : 0;
}

static size_t encode(struct bench *b)
{
    static const struct tl_field any = {.kind = TL_K_ANY, .flag_bit = TL_NO_FLAG};
    struct tl_json_error error;

    tl_out_reset(&b->text);
    return tl_field_from_json(&any, b->tree, "value", NULL, &b->text, &error) == TL_OK ? b->text.len : 0;
}

static double measure(struct bench *b, size_t (*op)(struct bench *), unsigned rounds)
{
    double best = 1e18;

    for (unsigned r = 0; r < rounds; r++) {
        struct timespec from, to;
        double ns;

        clock_gettime(CLOCK_MONOTONIC, &from);
        for (unsigned i = 0; i < OPS; i++) {
            if (op(b) == 0)
                abort();
        }
        clock_gettime(CLOCK_MONOTONIC, &to);
        ns = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / OPS;
        best = ns < best ? ns : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
    struct bench b = {0};
    size_t json_len;

    put_updates(&b.bytes);
    json_len = render(&b);
    b.tree = json_loadb((const char *)b.text.data, b.text.len, 0, NULL);
    if (!b.tree || encode(&b) != b.bytes.len || memcmp(b.text.data, b.bytes.data, b.bytes.len) != 0) {
        fprintf(stderr, "bench_tl: the update does not come back\n");
        return 1;
    }
    printf(
        "{\"bench\":\"tl\",\"update_bytes\":%zu,\"update_json_bytes\":%zu,\"open_ns\":%.0f,\"read_ns\":%.0f,"
        "\"render_ns\":%.0f,\"encode_ns\":%.0f}\n",
        b.bytes.len, json_len, measure(&b, open_view, rounds), measure(&b, read_fields, rounds),
        measure(&b, render, rounds), measure(&b, encode, rounds));
    json_decref(b.tree);
    tl_out_free(&b.bytes);
    tl_out_free(&b.text);
    return 0;
}
