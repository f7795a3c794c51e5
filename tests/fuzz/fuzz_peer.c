/* What a client may write for a peer: any text. What it yields must be what the parser promises. */
#include "tests/fuzz/fuzz.h"

#include "core/peers/peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct mt_peer_ref ref;
    enum mt_peer_kind kind;
    int64_t id;

    FUZZ_CHECK(text);
    memcpy(text, data, size);
    text[size] = 0;
    if (mt_peer_parse(text, &ref) == MT_OK) {
        if (ref.kind == MT_REF_CHAT)
            FUZZ_CHECK(mt_chat_split(ref.chat, &kind, &id));
        if (ref.kind == MT_REF_NAME)
            FUZZ_CHECK(mt_is_username(ref.name, strlen(ref.name)));
        if (ref.kind == MT_REF_PHONE)
            FUZZ_CHECK(strspn(ref.phone, "0123456789") == strlen(ref.phone) && ref.phone[0]);
        FUZZ_CHECK(ref.msg_id >= 0 && ref.thread_id >= 0);
    }
    free(text);
    return 0;
}
