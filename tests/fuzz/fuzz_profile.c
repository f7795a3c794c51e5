/* Lists of a profile as a person may write them, and what is asked of it then: nothing crashes, hangs or
 * leaks. */
#include "rpc/profile.h"
#include "tests/fuzz/fuzz.h"

/* Input: accounts NUL methods NUL chats NUL a name to ask for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 5), *part[4], *at = text, err[256];
    struct rpc_profile_cfg cfg = {.name = "fuzz"};
    struct rpc_profile *p;

    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    for (size_t i = 0; i < 4; i++) {
        part[i] = at;
        at += strlen(at);
        at += at < text + size; /* past the NUL, but not past the end */
    }
    cfg.accounts = *part[0] ? part[0] : NULL;
    cfg.methods = *part[1] ? part[1] : NULL;
    cfg.chats = *part[2] ? part[2] : NULL;
    p = rpc_profile_new(&cfg, err);
    if (p) {
        bool calls = rpc_profile_calls(p, part[3], 0), again = rpc_profile_calls(p, part[3], 0);

        FUZZ_CHECK(calls == again && (cfg.methods || !calls));
        FUZZ_CHECK(cfg.accounts || rpc_profile_sees_account(p, part[3]));
        FUZZ_CHECK(rpc_profile_sees_codes(p) || !rpc_profile_sees_chat(p, NULL, 777000));
        (void)rpc_profile_names(p, part[3]);
    }
    rpc_profile_unref(p);
    (void)rpc_glob(part[0], part[3]);
    (void)rpc_holds_codes(data, size);
    free(text);
    return 0;
}
