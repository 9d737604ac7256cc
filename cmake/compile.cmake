# Flags that every target of the project is compiled with.
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla)
if(YSYNC_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_POSIX_C_SOURCE=200809L)

# What users run: optimized, and hardened against the mistakes that are left (checked copies, stack canaries, a
# position-independent program whose tables are read-only once it runs).
set(CMAKE_C_FLAGS_RELEASE "-O3 -DNDEBUG")
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
check_linker_flag(C "-Wl,-z,relro,-z,now" YSYNC_HAS_RELRO)
if(NOT YSYNC_SANITIZE)
  add_compile_options($<$<CONFIG:Release>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>
    $<$<CONFIG:Release>:-fstack-protector-strong>)
endif()
if(YSYNC_HAS_RELRO)
  add_link_options(-Wl,-z,relro,-z,now)
endif()

if(YSYNC_SANITIZE)
  add_compile_options(-fsanitize=${YSYNC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${YSYNC_SANITIZE})
endif()

# libFuzzer is led by the branches that the code takes, so all of it is compiled to report them.
if(YSYNC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
