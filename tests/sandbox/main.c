/*
 * tgd-sandbox --dir DIR [--seed N] [--mtproxy SECRET] [--ipv6] [--verbose]
 *
 * An offline Telegram of three data centres on 127.0.0.1, or with --ipv6 on ::1. Writes DIR/servers.json (for
 * `tgd --servers`), DIR/control.sock (JSON-RPC, rpc.discover lists what it does), DIR/log, DIR/rsa.pem, with
 * --mtproxy (a secret in hexadecimal) DIR/mtproxy.json. servers.json appears last: who sees it can connect.
 * The world lives in memory only.
 */
#include <errno.h>
#include <getopt.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sandbox/loop.h"

#define N_DCS 3

struct sandbox {
    struct mt_env env;
    struct mt_ctr *stream; /* of random bytes, from the seed */
    FILE *log;
    enum mt_log_level level;
    uint64_t seed;
    char *rsa_pem, *public_pem;
    struct sb_dc_addr dcs[N_DCS];
    int fds[N_DCS], control_fd, mtproxy_fd;
    const char *mtproxy; /* its secret; NULL: none */
    bool ipv6;
    uint16_t mtproxy_port;
    struct sb_world *world;
    struct sb_server *server;
    struct sb_loop *loop;
};

static void env_random(void *ctx, void *buf, size_t n)
{
    struct sandbox *sb = ctx;

    memset(buf, 0, n);
    mt_ctr_apply(sb->stream, buf, buf, n);
}

static void env_log(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    static const char *const name[] = {"trace", "debug", "info", "warn", "BROKEN"};
    struct sandbox *sb = ctx;
    struct mt_now now;

    if (level < sb->level || !sb->log)
        return;
    now = sb_loop_now();
    fprintf(sb->log, "%lld.%06d %s %s: %s\n", (long long)(now.wall / MT_US_PER_S),
            (int)(now.wall % MT_US_PER_S), name[level], area, text);
}

static int say(const char *what)
{
    fprintf(stderr, "tgd-sandbox: %s: %s\n", what, strerror(errno));
    return -1;
}

static int seed_random(struct sandbox *sb)
{
    uint8_t key[32], seed[8];
    static const uint8_t iv[16];
    const struct mt_part part = {seed, sizeof seed};

    tl_store64(seed, sb->seed);
    mt_sha256(key, &part, 1);
    sb->stream = mt_ctr_new(key, iv);
    sb->env = (struct mt_env){.random = env_random, .log = env_log, .ctx = sb};
    return sb->stream ? 0 : say("random stream");
}

/* PKCS #1 ("RSA PUBLIC KEY"), the form that Telegram publishes and that clients in the wild read. */
static char *public_pem(const EVP_PKEY *key)
{
    OSSL_ENCODER_CTX *ctx =
        OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_PUBLIC_KEY, "PEM", "type-specific", NULL);
    unsigned char *p = NULL;
    size_t n = 0;
    char *pem = NULL;

    if (ctx && OSSL_ENCODER_to_data(ctx, &p, &n))
        pem = strndup((const char *)p, n);
    OSSL_ENCODER_CTX_free(ctx);
    OPENSSL_free(p);
    return pem;
}

/* A key whose fingerprint has 16 hexadecimal digits: some clients write fewer where it begins with zeros, and
 * then do not find it. */
static EVP_PKEY *new_rsa(void)
{
    for (;;) {
        EVP_PKEY *key = EVP_RSA_gen(2048);
        char *pem = key ? public_pem(key) : NULL;
        struct mt_rsa *rsa = pem ? mt_rsa_from_pem(pem, strlen(pem)) : NULL;
        bool ok = rsa && mt_rsa_fingerprint(rsa) >> 60;

        free(pem);
        mt_rsa_free(rsa);
        if (ok || !rsa)
            return key;
        EVP_PKEY_free(key);
    }
}

/* The key of an earlier run in this folder, so that what was made with it still fits; else a new one. */
static int load_rsa(struct sandbox *sb)
{
    EVP_PKEY *key = NULL;
    BIO *mem = BIO_new(BIO_s_mem());
    FILE *f = fopen("rsa.pem", "re");
    char *p;
    long n;
    int rc = -1;

    if (f) {
        key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        fclose(f);
    }
    if (!key) {
        mode_t mask = umask(0177);

        key = new_rsa();
        f = key ? fopen("rsa.pem", "we") : NULL;
        umask(mask);
        if (!f || !PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) || fclose(f))
            goto end;
    }
    if (!mem || !PEM_write_bio_PrivateKey(mem, key, NULL, NULL, 0, NULL, NULL))
        goto end;
    n = BIO_get_mem_data(mem, &p);
    sb->rsa_pem = strndup(p, (size_t)n);
    sb->public_pem = public_pem(key);
    rc = sb->rsa_pem && sb->public_pem ? 0 : -1;
end:
    if (rc)
        say("rsa.pem");
    BIO_free(mem);
    EVP_PKEY_free(key);
    return rc;
}

static int listen_all(struct sandbox *sb)
{
    for (int i = 0; i < N_DCS; i++) {
        sb->dcs[i] = (struct sb_dc_addr){.dc_id = i + 1, .ip = sb->ipv6 ? "::1" : "127.0.0.1"};
        sb->fds[i] = sb_listen_tcp(sb->ipv6, &sb->dcs[i].port);
        if (sb->fds[i] < 0)
            return say(sb->dcs[i].ip);
    }
    sb->mtproxy_fd = sb->mtproxy ? sb_listen_tcp(false, &sb->mtproxy_port) : -1;
    if (sb->mtproxy && sb->mtproxy_fd < 0)
        return say("listen on 127.0.0.1");
    sb->control_fd = sb_listen_unix("control.sock");
    return sb->control_fd < 0 ? say("control.sock") : 0;
}

static int make_servers(struct sandbox *sb)
{
    int32_t ids[N_DCS];
    struct sb_world_cfg world = {.env = &sb->env, .seed = sb->seed, .dcs = sb->dcs, .n_dcs = N_DCS};
    struct sb_server_cfg server = {.env = &sb->env,
                                   .seed = sb->seed,
                                   .rsa_pem = sb->rsa_pem,
                                   .dcs = ids,
                                   .n_dcs = N_DCS,
                                   .strict = true,
                                   .mtproxy = sb->mtproxy};
    struct sb_loop_cfg loop = {.env = &sb->env,
                               .dcs = sb->dcs,
                               .dc_fds = sb->fds,
                               .n_dcs = N_DCS,
                               .control_fd = sb->control_fd,
                               .mtproxy_fd = sb->mtproxy_fd};

    for (int i = 0; i < N_DCS; i++)
        ids[i] = sb->dcs[i].dc_id;
    sb->world = sb_world_new(&world, sb_loop_now());
    server.world = sb->world;
    sb->server = sb->world ? sb_server_new(&server, sb_loop_now()) : NULL;
    loop.server = sb->server;
    loop.world = sb->world;
    sb->loop = sb->server ? sb_loop_new(&loop) : NULL;
    return sb->loop ? 0 : say("start");
}

static int write_mtproxy_json(const struct sandbox *sb)
{
    json_t *all;
    int rc;

    if (!sb->mtproxy)
        return 0;
    all = json_pack("{s:s, s:i, s:s}", "host", "127.0.0.1", "port", (int)sb->mtproxy_port, "secret",
                    sb->mtproxy);
    rc = json_dump_file(all, "mtproxy.json", JSON_INDENT(1));
    json_decref(all);
    return rc ? say("mtproxy.json") : 0;
}

static int write_servers_json(const struct sandbox *sb)
{
    json_t *dcs = json_array(), *all;
    int rc;

    for (int i = 0; i < N_DCS; i++)
        json_array_append_new(dcs, json_pack("{s:i, s:s, s:i}", "id", sb->dcs[i].dc_id, "ip", sb->dcs[i].ip,
                                             "port", (int)sb->dcs[i].port));
    all = json_pack("{s:o, s:[s]}", "dcs", dcs, "rsa_keys", sb->public_pem);
    rc =
        json_dump_file(all, "servers.json.new", JSON_INDENT(1)) || rename("servers.json.new", "servers.json");
    json_decref(all);
    return rc ? say("servers.json") : 0;
}

static int enter(const char *dir)
{
    struct rlimit lim;

    if ((mkdir(dir, 0700) && errno != EEXIST) || chdir(dir))
        return say(dir);
    unlink("servers.json");
    if (!getrlimit(RLIMIT_NOFILE, &lim)) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: tgd-sandbox --dir DIR [--seed N] [--mtproxy SECRET] [--ipv6] [--verbose]\n");
    return 2;
}

static int run(struct sandbox *sb)
{
    int rc = -1;

    sb->log = fopen("log", "we");
    if (!sb->log)
        return say("log");
    setvbuf(sb->log, NULL, _IOLBF, 0);
    if (!seed_random(sb) && !load_rsa(sb) && !listen_all(sb) && !make_servers(sb) &&
        !write_mtproxy_json(sb) && !write_servers_json(sb)) {
        mt_logf(&sb->env, MT_LOG_INFO, "main", "seed %llu, pid %d", (unsigned long long)sb->seed, getpid());
        printf("ready: seed %llu, ports %u %u %u\n", (unsigned long long)sb->seed, sb->dcs[0].port,
               sb->dcs[1].port, sb->dcs[2].port);
        fflush(stdout);
        rc = sb_loop_run(sb->loop);
    }
    sb_loop_free(sb->loop);
    sb_server_free(sb->server);
    sb_world_free(sb->world);
    unlink("control.sock");
    unlink("servers.json");
    if (sb->rsa_pem)
        mt_wipe(sb->rsa_pem, strlen(sb->rsa_pem));
    free(sb->rsa_pem);
    free(sb->public_pem);
    mt_ctr_free(sb->stream);
    fclose(sb->log);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"mtproxy", required_argument, NULL, 'm'},
                                            {"ipv6", no_argument, NULL, '6'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct sandbox sb = {.level = MT_LOG_INFO};
    const char *dir = NULL, *seed = NULL;
    char *end = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (c == 'd')
            dir = optarg;
        else if (c == 's')
            seed = optarg;
        else if (c == 'm')
            sb.mtproxy = optarg;
        else if (c == '6')
            sb.ipv6 = true;
        else if (c == 'v')
            sb.level = MT_LOG_TRACE;
        else
            return usage();
    }
    if (seed)
        sb.seed = strtoull(seed, &end, 0);
    else if (getrandom(&sb.seed, sizeof sb.seed, 0) != sizeof sb.seed)
        return say("getrandom") ? 1 : 0;
    if (!dir || optind != argc || (seed && (*end || end == seed)))
        return usage();
    return enter(dir) || run(&sb) ? 1 : 0;
}
