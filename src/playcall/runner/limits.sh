# Read by bash before it runs a command: bounds that nothing it begins can raise again.
# Each is "LETTER=NUMBER" of ulimit; one that is above a bound already set is refused, and not needed.
for playcall in $PLAYCALL_LIMITS; do ulimit "-${playcall%%=*}" "${playcall#*=}" 2>/dev/null; done
unset -v playcall PLAYCALL_LIMITS BASH_ENV
