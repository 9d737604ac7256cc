# Flags that every target of the project is compiled with.
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla)
if(YSYNC_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_POSIX_C_SOURCE=200809L)

if(YSYNC_SANITIZE)
  add_compile_options(-fsanitize=${YSYNC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${YSYNC_SANITIZE})
endif()

# libFuzzer is led by the branches that the code takes, so all of it is compiled to report them.
if(YSYNC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
