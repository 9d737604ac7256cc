/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over the files of the folders given as arguments: what fuzzing once found, and seeds that
 * reach every corner, are tested in every build with any compiler. A folder that is not there holds nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as many bytes as the file has, so that the sanitizers see a step past them. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t size = 0;
    int byte;

    if (!file)
        return 0;
    while ((byte = fgetc(file)) != EOF) {
        uint8_t *grown = realloc(bytes, size + 1);

        if (!grown)
            abort();
        bytes = grown;
        bytes[size++] = (uint8_t)byte;
    }
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 1;
}

static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[4096];
    int count = 0;

    if (!dir)
        return 0;
    while ((entry = readdir(dir))) {
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

        if (entry->d_name[0] != '.' && len > 0 && (size_t)len < sizeof(path))
            count += replay_file(path);
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    printf("%d inputs replayed\n", count);
    return count == 0;
}
