/* The binfmt_misc handler of a build: runs a native twin of a foreign program, or QEMU's user emulator.
 *
 * The kernel starts it for every foreign ELF file, registered with the flags P and F, as
 *
 *     handler PATH ARGV0 ARGUMENT...
 *
 * (<https://docs.kernel.org/admin-guide/binfmt-misc.html>). Below the root of the build lie
 *
 *     /.twin/exec/PATH   a link to the native twin of PATH, for every program that has one
 *     /.twin/root        the twins with all that they need
 *     /.twin/loader      a link to their dynamic loader
 *     /.twin/qemu        the emulator, static
 *     /.twin/log         takes a line for every program run: n or e, a space, its path
 *
 * Where there is no /.twin, as in a container that has nothing to do with the build but runs on a
 * computer whose only table holds this handler, it runs the emulator that is appended to its own
 * file, followed by the emulator's length in 8 bytes, little-endian.
 *
 * It is static and uses nothing but the C library: it runs in roots that have no native one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define TWINS "/.twin"

enum { NATIVE = 'n', EMULATED = 'e' };

static void count(char kind, const char *path)
{
    char line[PATH_MAX + 4];
    int length = snprintf(line, sizeof line, "%c %s\n", kind, path);
    int log = open(TWINS "/log", O_WRONLY | O_APPEND | O_CLOEXEC);

    if (log < 0)
        return;
    if (write(log, line, (size_t)length) != length)
        errno = 0; /* a line less in a statistic */
    close(log);
}

/* Python looks for compiled modules beside its library, where only foreign ones lie, if any. */
static void prepare_python(const char *path)
{
    char modules[PATH_MAX];
    const char *name = strrchr(path, '/') + 1;
    const char *foreign = modules + strlen(TWINS "/root");

    if (strncmp(name, "python3.", 8) != 0)
        return;
    snprintf(modules, sizeof modules, TWINS "/root/usr/lib/%s/lib-dynload", name);
    if (access(foreign, F_OK) == 0)
        setenv("PYTHONPATH", modules, 1);
}

/* PROGRAM OPTION ARGV0 FILE ARGUMENT...: QEMU and the dynamic loader both take a name with an option. */
static char **command(char *program, char *option, char *file, int count_of_arguments, char **arguments)
{
    char **line = calloc((size_t)count_of_arguments + 4, sizeof *line);

    if (line == NULL) {
        perror("flasher");
        exit(126);
    }
    line[0] = program;
    line[1] = option;
    line[2] = arguments[0];
    line[3] = file;
    memcpy(line + 4, arguments + 1, (size_t)(count_of_arguments - 1) * sizeof *line);
    return line;
}

static void try_twin(const char *path, int count_of_arguments, char **arguments)
{
    char twin[PATH_MAX];

    if (snprintf(twin, sizeof twin, TWINS "/exec%s", path) >= (int)sizeof twin)
        return;
    if (access(twin, X_OK) != 0)
        return;
    count(NATIVE, path);
    prepare_python(path);
    execv(twin, arguments);
    /* Started by the loader itself, a program needs none where it says one is: scripts of older
     * suites take away /lib64, which an image of another architecture does not need. */
    if (errno == ENOENT)
        execv(TWINS "/loader", command(TWINS "/loader", "--argv0", twin, count_of_arguments, arguments));
}

/* A descriptor of the appended emulator, or -1. */
static int unpack_emulator(void)
{
    int64_t length;
    struct stat status;
    int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int copy = memfd_create("qemu", MFD_CLOEXEC);

    if (own < 0 || copy < 0 || fstat(own, &status) != 0)
        return -1;
    if (pread(own, &length, sizeof length, status.st_size - (off_t)sizeof length) != sizeof length)
        return -1;
    off_t end = status.st_size - (off_t)sizeof length;
    off_t place = end - length;
    while (place < end)
        if (sendfile(copy, own, &place, (size_t)(end - place)) <= 0)
            return -1;
    return copy;
}

static int emulate(char *path, int count_of_arguments, char **arguments)
{
    char **line = command(TWINS "/qemu", "-0", path, count_of_arguments, arguments);

    execv(line[0], line);
    fexecve(unpack_emulator(), line, environ);
    perror("flasher: the emulator cannot be started");
    return 126;
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];

    if (argc < 3) {
        fputs("This is a binfmt_misc handler: the kernel starts it.\n", stderr);
        return 126;
    }
    if (realpath(argv[1], path) == NULL)
        snprintf(path, sizeof path, "%s", argv[1]);
    try_twin(path, argc - 2, argv + 2);
    count(EMULATED, path);
    return emulate(argv[1], argc - 2, argv + 2);
}
