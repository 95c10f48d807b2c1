# cmake -DSOURCE=DIR -DOUTPUT=FILE [-DGIVEN=SHA] -P commit.cmake: writes which commit is built. A file that stays as it is
# is not touched, so that nothing is built anew.
set(commit "${GIVEN}")
set(modified false)
find_program(git git)
if(NOT commit AND git AND EXISTS ${SOURCE}/.git)
  # The checkout may belong to somebody else (a container's mount).
  set(git ${git} -c safe.directory=${SOURCE})
  execute_process(COMMAND ${git} rev-parse HEAD WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(failed)
    set(commit "")
  else()
    execute_process(COMMAND ${git} diff --quiet HEAD WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE changed ERROR_QUIET)
    if(changed)
      set(modified true)
    endif()
  endif()
endif()
if(NOT commit MATCHES "^[0-9a-f]+$")
  string(REPEAT 0 40 commit)  # not known: an archive
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[#include "base/commit.h"

namespace tidegate {
const char kCommit[] = "@commit@";
const bool kModified = @modified@;
}  // namespace tidegate
]])
