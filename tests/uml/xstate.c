/* Lets a user-mode-linux kernel of the 6.1 series run on a CPU with AMX.
 *
 * That kernel keeps 2696 bytes of vector state per guest task (x87 to AVX-512 and protection keys, in XSAVE's
 * standard layout) and moves them with PTRACE_{GET,SET}REGSET(NT_X86_XSTATE).  AMX makes the host's XSAVE area
 * 11008 bytes large, and the host refuses to set part of an area: EFAULT, and the guest dies with its first process.
 *
 * This library, preloaded into linux.uml, puts itself before ptrace() and lets UML set the part that it knows:
 * the rest is set to what it is.  AMX tiles need a permission that UML cannot ask for, so nothing is lost.  Where the
 * host's area is no larger than UML's (another CPU, or a later UML, which asks how large it is), calls pass through.
 *
 * Left as it is: UML's signal frames hold x87 to AVX only, so a signal handler in the guest that uses AVX-512
 * spoils it for the code that it interrupted.  The runner therefore tells the guest's C library, the one that
 * uses it on its own account, to keep to AVX2.
 */
#include <cpuid.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PEEKTEXT = 1, PEEKUSER = 3, GETREGSET = 0x4204, SETREGSET = 0x4205, NT_X86_XSTATE = 0x202 };

/* In the XSAVE area: the header follows the legacy region; its first word has a bit for each component that is
 * not in its initial state (0 x87, 1 SSE: both in the legacy region; CPUID leaf 0xd tells where the others are). */
enum { LEGACY = 512, HEADER_END = 576, FIRST_EXTENDED = 2, COMPONENTS = 63 };

static uint64_t components_within(size_t size)
{
    uint64_t within = 3;
    unsigned length, at, c, d;
    for (unsigned i = FIRST_EXTENDED; i < COMPONENTS; i++)
        if (__get_cpuid_count(0x0d, i, &length, &at, &c, &d) && length && at >= HEADER_END && at + length <= size)
            within |= (uint64_t)1 << i;
    return within;
}

static long set_xstate(long pid, const struct iovec *given)
{
    static char area[65536] __attribute__((aligned(64)));
    static uint64_t known;
    static size_t known_size;

    struct iovec whole = { area, sizeof area };
    long failed = syscall(SYS_ptrace, GETREGSET, pid, NT_X86_XSTATE, &whole);
    if (failed || whole.iov_len <= given->iov_len)
        return failed ? failed : syscall(SYS_ptrace, SETREGSET, pid, NT_X86_XSTATE, given);

    if (known_size != given->iov_len) {
        known_size = given->iov_len;
        known = components_within(known_size);
    }
    uint64_t here, theirs;
    memcpy(&here, area + LEGACY, sizeof here);
    memcpy(&theirs, (char *)given->iov_base + LEGACY, sizeof theirs);
    here = (here & ~known) | (theirs & known);
    memcpy(area, given->iov_base, given->iov_len);
    memcpy(area + LEGACY, &here, sizeof here);
    return syscall(SYS_ptrace, SETREGSET, pid, NT_X86_XSTATE, &whole);
}

long ptrace(int request, ...)
{
    va_list args;
    va_start(args, request);
    long pid = va_arg(args, long);
    void *addr = va_arg(args, void *), *data = va_arg(args, void *);
    va_end(args);

    if (request == SETREGSET && (long)addr == NT_X86_XSTATE)
        return set_xstate(pid, data);
    if (request >= PEEKTEXT && request <= PEEKUSER) { /* as the C library's own does: the word is the result */
        long word = 0;
        return syscall(SYS_ptrace, request, pid, addr, &word) < 0 ? -1 : word;
    }
    return syscall(SYS_ptrace, request, pid, addr, data);
}
