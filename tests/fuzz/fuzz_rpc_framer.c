/*
 * Hostile bytes into the socket's scanner: whatever they are, cutting them elsewhere changes no event, every
 * value that it lets through is JSON for the parser too (or has a name twice, bad text, or a number too
 * large), and no limit is passed.
 *
 *     | 1 byte: where to cut | bytes |
 */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <zlib.h>

#include "rpc/scan.h"

struct seen {
    uint32_t digest;
    unsigned events;
};

static void check_value(const struct rpc_scan *s)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)s->value.data, s->value.len, JSON_REJECT_DUPLICATES, &error);

    FUZZ_CHECK(s->value.len <= RPC_VALUE_MAX && s->members <= RPC_MEMBERS_MAX);
    for (size_t i = 0; i < s->n_ids; i++) {
        FUZZ_CHECK(s->ids[i].len > 0 && s->ids[i].at + s->ids[i].len <= s->value.len);
        FUZZ_CHECK(s->ids[i].item < RPC_BATCH_MAX);
    }
    if (!root) {
        enum json_error_code code = json_error_code(&error);

        FUZZ_CHECK(code == json_error_duplicate_key || code == json_error_invalid_utf8 ||
                   code == json_error_null_character || code == json_error_null_byte_in_key ||
                   code == json_error_numeric_overflow || code == json_error_invalid_syntax);
        /* jansson says "invalid syntax" of lone surrogates, whose grammar is right */
        FUZZ_CHECK(code != json_error_invalid_syntax || memmem(s->value.data, s->value.len, "\\u", 2) ||
                   memmem(s->value.data, s->value.len, "\\U", 2));
    }
    json_decref(root);
}

static void note(struct seen *seen, const struct rpc_scan *s, enum rpc_scan_event event)
{
    uint8_t kind = (uint8_t)event;

    if (event == RPC_SCAN_MORE)
        return;
    seen->events++;
    seen->digest = (uint32_t)crc32(seen->digest, &kind, 1);
    if (event == RPC_SCAN_VALUE) {
        check_value(s);
        seen->digest = (uint32_t)crc32(seen->digest, s->value.data, (uInt)s->value.len);
    } else {
        FUZZ_CHECK(s->n_shown <= RPC_SHOWN_MAX && s->shown[s->n_shown] == 0);
        seen->digest = (uint32_t)crc32(seen->digest, (const uint8_t *)s->shown, (uInt)s->n_shown);
    }
}

static struct seen scan(const uint8_t *p, size_t n, size_t piece)
{
    struct seen seen = {0, 0};
    struct rpc_scan s;
    enum rpc_scan_event event;

    rpc_scan_init(&s);
    for (size_t i = 0; i < n; i += piece) {
        size_t left = n - i < piece ? n - i : piece, at = 0, calls = 0;

        while (at < left) {
            size_t took = rpc_scan_feed(&s, p + i + at, left - at, &event);

            FUZZ_CHECK(took <= left - at);
            at += took;
            note(&seen, &s, event);
            FUZZ_CHECK(++calls <= 4 * left + 4); /* it goes on */
        }
    }
    note(&seen, &s, rpc_scan_eof(&s));
    rpc_scan_fini(&s);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, cut, bytes;

    if (size < 2)
        return 0;
    whole = scan(data + 1, size - 1, size);
    cut = scan(data + 1, size - 1, (size_t)data[0] + 1);
    bytes = scan(data + 1, size - 1, 1);
    FUZZ_CHECK(whole.events == cut.events && whole.digest == cut.digest);
    FUZZ_CHECK(whole.events == bytes.events && whole.digest == bytes.digest);
    return 0;
}
