# Installs console/node_modules as package-lock.json says, once per source tree: the
# hash of the lock file is kept beside the packages, and build trees that run at the
# same time wait for each other.
#
#   cmake -D npm=PROGRAM -D console=FOLDER -P install_dependencies.cmake
file(LOCK "${console}/.install.lock" TIMEOUT 900)
file(SHA256 "${console}/package-lock.json" wanted)
set(stamp "${console}/node_modules/.lathe-lock-hash")
if(EXISTS "${stamp}")
  file(READ "${stamp}" installed)
  if(installed STREQUAL wanted)
    return()
  endif()
endif()

message(STATUS "Installing the console's packages")
execute_process(
  COMMAND "${npm}" ci --ignore-scripts --no-audit --no-fund --loglevel=error
  WORKING_DIRECTORY "${console}"
  RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "npm could not install the console's packages. Check that the npm "
    "registry can be reached, or configure with -DLATHE_CONSOLE=OFF.")
endif()
file(WRITE "${stamp}" "${wanted}")
