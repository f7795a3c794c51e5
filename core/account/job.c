#include "core/account/job.h"

#include <stdlib.h>
#include <string.h>

struct mt_job *mt_job_new(enum mt_job_kind kind)
{
    struct mt_job *job = calloc(1, sizeof *job);

    if (job) {
        job->kind = kind;
        job->result = MT_E_STATE;
    }
    return job;
}

static int run_srp(struct mt_job *job)
{
    struct mt_srp_params params = {
        .g = job->g,
        .salt1 = job->salt1,
        .salt1_len = job->salt1_len,
        .salt2 = job->salt2,
        .salt2_len = job->salt2_len,
    };

    memcpy(params.prime, job->prime, sizeof params.prime);
    memcpy(params.b_pub, job->b_pub, sizeof params.b_pub);
    return mt_srp_answer(&params, job->password, job->password_len, job->a, job->a_pub, job->m1);
}

void mt_job_run(struct mt_job *job)
{
    switch (job->kind) {
    case MT_JOB_SRP:
        job->result = run_srp(job);
        break;
    case MT_JOB_KEYX:
        mt_keyx_job_run(&job->keyx);
        job->result = job->keyx.result;
        break;
    }
}

void mt_job_free(struct mt_job *job)
{
    if (!job)
        return;
    mt_wipe(job, sizeof *job);
    free(job);
}
