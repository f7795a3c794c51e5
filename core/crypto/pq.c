#include "core/crypto/crypto.h"

/*
 * Arithmetic modulo an odd n < 2^63 in Montgomery's form: products are a * b / 2^64. The factor 2^-64 does no
 * harm to Pollard's method (any quadratic map will do) and is undone for the primality test.
 */
struct modulus {
    uint64_t n;
    uint64_t neg_inv; /* -1/n mod 2^64 */
};

static void mul_wide(uint64_t a, uint64_t b, uint64_t *hi, uint64_t *lo)
{
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 t = (unsigned __int128)a * b;

    *hi = (uint64_t)(t >> 64);
    *lo = (uint64_t)t;
#else
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t low = al * bl, mid1 = ah * bl, mid2 = al * bh;
    uint64_t mid = (low >> 32) + (uint32_t)mid1 + (uint32_t)mid2;

    *lo = mid << 32 | (uint32_t)low;
    *hi = ah * bh + (mid1 >> 32) + (mid2 >> 32) + (mid >> 32);
#endif
}

static struct modulus modulus(uint64_t n)
{
    uint64_t inv = n; /* right to 3 bits; each step doubles them */

    for (int i = 0; i < 5; i++)
        inv *= 2 - n * inv;
    return (struct modulus){n, 0 - inv};
}

static uint64_t mul(const struct modulus *m, uint64_t a, uint64_t b)
{
    uint64_t hi, lo, hi2, lo2;

    mul_wide(a, b, &hi, &lo);
    mul_wide(lo * m->neg_inv, m->n, &hi2, &lo2);
    hi += hi2 + (lo != 0);
    return hi >= m->n ? hi - m->n : hi;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t t = a % b;

        a = b;
        b = t;
    }
    return a;
}

/* a * 2^64 mod n, by doubling */
static uint64_t to_form(const struct modulus *m, uint64_t a)
{
    a %= m->n;
    for (int i = 0; i < 64; i++)
        a = a >= m->n - a ? a - (m->n - a) : a + a;
    return a;
}

/* Miller-Rabin; the first twelve primes as bases are a proof for every 64-bit number. */
static bool is_prime(uint64_t n)
{
    static const uint8_t base[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    struct modulus m;
    uint64_t one, d = n - 1;
    int twos = 0;

    if (n < 2)
        return false;
    for (size_t i = 0; i < sizeof base; i++) {
        if (n % base[i] == 0)
            return n == base[i];
    }
    for (; d % 2 == 0; d /= 2)
        twos++;
    m = modulus(n);
    one = to_form(&m, 1);
    for (size_t i = 0; i < sizeof base; i++) {
        uint64_t b = to_form(&m, base[i]), x = one;
        int left = twos;

        for (uint64_t e = d; e; e >>= 1) {
            if (e & 1)
                x = mul(&m, x, b);
            b = mul(&m, b, b);
        }
        if (x == one)
            continue;
        while (x != n - one && --left > 0)
            x = mul(&m, x, x);
        if (x != n - one)
            return false;
    }
    return true;
}

static uint64_t step(const struct modulus *m, uint64_t x, uint64_t c)
{
    x = mul(m, x, x);
    return x >= m->n - c ? x - (m->n - c) : x + c;
}

/*
 * Brent's form of Pollard's rho: one gcd for a batch of differences; where a batch hides both factors it is
 * gone through again one by one. A factor of 2^31.5 takes about 2^16 steps; `budget` ends a hopeless search.
 */
static uint64_t find_factor(const struct modulus *m, uint64_t c, uint32_t budget)
{
    enum { BATCH = 128 };
    uint64_t y = 2 % m->n, x = y, saved = y, product = to_form(m, 1), g = 1;

    for (uint32_t run = 1; g == 1 && run <= budget; run *= 2) {
        x = y;
        for (uint32_t i = 0; i < run; i++)
            y = step(m, y, c);
        for (uint32_t k = 0; k < run && g == 1; k += BATCH) {
            uint32_t count = run - k < BATCH ? run - k : BATCH;

            saved = y;
            for (uint32_t i = 0; i < count; i++) {
                y = step(m, y, c);
                product = mul(m, product, x > y ? x - y : y - x);
            }
            g = gcd(product, m->n);
        }
    }
    if (g != m->n)
        return g;
    do {
        saved = step(m, saved, c);
        g = gcd(x > saved ? x - saved : saved - x, m->n);
    } while (g == 1);
    return g;
}

int mt_pq_factor(uint64_t pq, uint64_t *p, uint64_t *q)
{
    uint64_t g = 1;

    *p = *q = 0;
    if (pq < 6 || pq >> 63 || is_prime(pq))
        return MT_E_PEER;
    if (pq % 2 == 0) {
        g = 2;
    } else {
        struct modulus m = modulus(pq);

        for (uint64_t c = 1; c <= 8 && (g == 1 || g == pq); c++)
            g = find_factor(&m, c, UINT32_C(1) << 18);
    }
    if (g == 1 || g == pq || g == pq / g || !is_prime(g) || !is_prime(pq / g))
        return MT_E_PEER;
    *p = g < pq / g ? g : pq / g;
    *q = pq / *p;
    return MT_OK;
}
