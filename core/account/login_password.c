#include "core/account/state.h"

#include <string.h>

#include "tl/ids.h"

#define SRP_TRIES_MAX 3

#define ALGO(field) TLF_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow__##field
#define ALGO_ID     TL_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow

/*
 * A password costs two questions: B is good for one answer, so it is fetched when the password is there
 * (trap 52), not when the step begins; the first account.getPassword is for the hint.
 */
void mt_login_get_password(struct mt_account *a, struct mt_now now, int op)
{
    struct tl_out body = {0};

    tl_put_u32(&body, TL_account_getPassword);
    mt_login_ask(a, now, op, &body);
}

static bool put_left(uint8_t out[256], struct tl_slice s)
{
    if (!s.n || s.n > 256)
        return false;
    memset(out, 0, 256 - s.n);
    memcpy(out + 256 - s.n, s.p, s.n);
    return true;
}

static bool put_salt(uint8_t out[MT_SALT_MAX], size_t *len, struct tl_slice s)
{
    if (s.n > MT_SALT_MAX)
        return false;
    if (s.n)
        memcpy(out, s.p, s.n);
    *len = s.n;
    return true;
}

static struct mt_job *job_of(struct mt_account *a, const struct tl_view *v)
{
    struct mt_job *job = mt_job_new(MT_JOB_SRP);
    struct tl_view algo;

    if (!job)
        return NULL;
    if (!tl_get_object(v, TLF_account_password__current_algo, &algo) || algo.def->id != ALGO_ID ||
        !put_left(job->prime, tl_get_bytes(&algo, ALGO(p))) ||
        !put_left(job->b_pub, tl_get_bytes(v, TLF_account_password__srp_B)) ||
        !put_salt(job->salt1, &job->salt1_len, tl_get_bytes(&algo, ALGO(salt1))) ||
        !put_salt(job->salt2, &job->salt2_len, tl_get_bytes(&algo, ALGO(salt2)))) {
        mt_job_free(job);
        return NULL;
    }
    job->g = tl_get_int(&algo, ALGO(g));
    job->srp_id = tl_get_long(v, TLF_account_password__srp_id);
    a->cfg.env->random(a->cfg.env->ctx, job->a, sizeof job->a);
    memcpy(job->password, a->login.password, a->login.password_len);
    job->password_len = a->login.password_len;
    return job;
}

static void compute(struct mt_account *a, struct mt_now now, const struct tl_view *v)
{
    struct mt_login_flow *l = &a->login;
    struct mt_job *job = job_of(a, v);

    if (!job) {
        mt_login_end_kind(a, MT_REPLY_FAILED, MT_E_PEER);
        return;
    }
    l->job = mt_acc_work(a, NULL, MT_WORK_SRP);
    if (!l->job) {
        mt_job_free(job);
        mt_login_end_kind(a, MT_REPLY_FAILED, MT_E_NOMEM);
        return;
    }
    l->op = MT_OP_COMPUTE;
    if (mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_COMPUTE, .token = l->job, .job = job}))
        mt_account_done(a, now, l->job, MT_E_NOMEM, NULL); /* the job is freed */
}

void mt_login_password_result(struct mt_account *a, struct mt_now now, const struct tl_view *v)
{
    struct mt_login_flow *l = &a->login;
    struct tl_slice hint;
    size_t n;

    if (v->def->id != TL_account_password || !tl_has(v, TLF_account_password__has_password)) {
        mt_login_end_kind(a, MT_REPLY_FAILED, MT_E_PEER);
        return;
    }
    if (l->op == MT_OP_GET_SRP) {
        compute(a, now, v);
        return;
    }
    mt_login_step(a, MT_LOGIN_PASSWORD);
    hint = tl_get_bytes(v, TLF_account_password__hint);
    n = hint.n < sizeof l->pub.hint ? hint.n : sizeof l->pub.hint - 1;
    while (n && n < hint.n && (hint.p[n] & 0xc0) == 0x80)
        n--;
    if (n)
        memcpy(l->pub.hint, hint.p, n);
    mt_login_end_kind(a, MT_REPLY_OK, 0);
}

/* `job` NULL: it could not be run. */
void mt_login_computed(struct mt_account *a, struct mt_now now, struct mt_job *job)
{
    struct tl_out body = {0};

    if (a->login.op != MT_OP_COMPUTE)
        return;
    a->login.job = 0;
    if (!job || job->result) {
        mt_login_end_kind(a, MT_REPLY_FAILED, job ? job->result : MT_E_NOMEM);
        return;
    }
    tl_put_u32(&body, TL_auth_checkPassword);
    tl_put_u32(&body, TL_inputCheckPasswordSRP);
    tl_put_long(&body, job->srp_id);
    tl_put_bytes(&body, job->a_pub, sizeof job->a_pub);
    tl_put_bytes(&body, job->m1, sizeof job->m1);
    mt_login_ask(a, now, MT_OP_CHECK_PASSWORD, &body);
}

/* True: another try is under way. */
bool mt_login_password_error(struct mt_account *a, struct mt_now now, const struct mt_rpc_error *e)
{
    struct mt_login_flow *l = &a->login;
    bool stale = !strcmp(e->text, "SRP_ID_INVALID") || !strcmp(e->text, "SRP_PASSWORD_CHANGED");

    if (l->op != MT_OP_CHECK_PASSWORD || !stale || ++l->srp_tries >= SRP_TRIES_MAX)
        return false;
    mt_login_get_password(a, now, MT_OP_GET_SRP);
    return true;
}
