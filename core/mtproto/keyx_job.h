/*
 * The arithmetic of the key exchange that is too long for the loop: splitting pq (1 ms, a hopeless number
 * 40), the two powers of Diffie-Hellman (4 ms), and where the prime is not the known one its examination (0.2
 * s).
 *
 * A job holds its inputs and has room for its results; mt_keyx_job_run() touches nothing else, so it may run
 * on any thread. It is plain bytes: whoever copies it wipes the copy (b and the shared key are secret).
 * `serial` names the step that asked: the answer to any other is ignored.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mt_keyx_job_kind { MT_KEYX_FACTOR, MT_KEYX_AGREE };

struct mt_keyx_job {
    enum mt_keyx_job_kind kind;
    uint64_t serial;
    int result; /* MT_OK or MT_E_*; MT_E_STATE before it was run */
    /* FACTOR: pq in, p < q out */
    uint64_t pq, p, q;
    /* AGREE: the group, the server's value and our exponent in; our value and the shared key out */
    int32_t g;
    uint8_t prime[256], g_a[256], b[256];
    uint8_t g_b[256], shared[256];
    bool redraw; /* the group is good, but this b gives a g_b out of range */
};

void mt_keyx_job_run(struct mt_keyx_job *job);
