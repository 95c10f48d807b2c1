# tidegate_room(NAME [IN folder] USES room... LIBS library...)
#   A room: a folder of sources and headers, one static library. USES are the rooms whose headers it may include, LIBS the
#   libraries whose headers it may include (names of dependencies.cmake). tests/lint holds the code to these lines.
#   The folder is NAME below the house, or IN (a path below the house; "." for the house itself).
#   A house that sets TIDEGATE_HOUSE_PCH (a list of headers) shares one precompiled header among its rooms.
function(tidegate_room name)
  cmake_parse_arguments(ROOM "" "IN" "USES;LIBS" ${ARGN})
  if(NOT ROOM_IN)
    set(ROOM_IN ${name})
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ROOM_IN}/*.cc)
  list(TRANSFORM ROOM_LIBS PREPEND lib_)
  list(TRANSFORM ROOM_USES PREPEND room_)
  if(NOT sources)
    add_library(room_${name} INTERFACE)
    target_include_directories(room_${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(room_${name} INTERFACE ${ROOM_USES} ${ROOM_LIBS})
    return()
  endif()
  add_library(room_${name} STATIC ${sources})
  target_include_directories(room_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(room_${name} PUBLIC ${ROOM_USES} ${ROOM_LIBS})
  if(TIDEGATE_HOUSE_PCH)
    target_precompile_headers(room_${name} REUSE_FROM ${TIDEGATE_HOUSE_PCH})
  endif()
endfunction()

# tidegate_house_pch(TARGET header...): a precompiled header that the rooms declared after it in this house share.
function(tidegate_house_pch target)
  cmake_parse_arguments(PCH "" "" "HEADERS;LIBS" ${ARGN})
  list(TRANSFORM PCH_LIBS PREPEND lib_)
  if(NOT EXISTS ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc)  # written anew, it would be built anew
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc "")
  endif()
  add_library(${target} STATIC ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC ${PCH_LIBS})
  target_precompile_headers(${target} PRIVATE ${PCH_HEADERS})
  set(TIDEGATE_HOUSE_PCH ${target} PARENT_SCOPE)
endfunction()

# tidegate_program(TARGET USES room... LIBS library...): what an executable is linked from.
function(tidegate_program target)
  cmake_parse_arguments(PROGRAM "" "" "USES;LIBS" ${ARGN})
  list(TRANSFORM PROGRAM_LIBS PREPEND lib_)
  list(TRANSFORM PROGRAM_USES PREPEND room_)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE ${PROGRAM_USES} ${PROGRAM_LIBS})
endfunction()
