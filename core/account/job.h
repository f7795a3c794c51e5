/*
 * Computations too long for the loop (struct mt_job of account.h): the SRP answer of 2FA (54 ms) and the
 * arithmetic of a key exchange (mtproto/keyx_job.h). A job holds its inputs and its result; mt_job_run() may
 * be called on any thread and touches nothing else. The password in it is wiped by mt_job_free().
 */
#pragma once

#include "core/account/account.h"

enum mt_job_kind { MT_JOB_SRP, MT_JOB_KEYX };

#define MT_SALT_MAX     1024
#define MT_PASSWORD_MAX 4096

struct mt_job {
    enum mt_job_kind kind;
    int result;              /* MT_OK or MT_E_*, after mt_job_run() */
    struct mt_keyx_job keyx; /* KEYX */
    /* SRP in */
    uint8_t prime[256];
    int32_t g;
    uint8_t b_pub[256], a[256];
    uint8_t salt1[MT_SALT_MAX], salt2[MT_SALT_MAX];
    size_t salt1_len, salt2_len;
    uint8_t password[MT_PASSWORD_MAX];
    size_t password_len;
    int64_t srp_id;
    /* SRP out */
    uint8_t a_pub[256], m1[32];
};

struct mt_job *mt_job_new(enum mt_job_kind kind); /* zeroed; NULL: no memory */
