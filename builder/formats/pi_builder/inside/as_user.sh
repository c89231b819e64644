# as_user.sh USER[:GROUP] PROGRAM ARGUMENT…: run a program of the tree as USER says.
# Names and numbers as docker takes them; a number alone that nobody has gets the group 0.
set -e
user=${1%%:*} group= home=/ found=
case $1 in *:*) group=${1#*:} ;; esac
shift
while IFS=: read -r name _ uid gid _ folder _; do
    if [ "$name" = "$user" ] || [ "$uid" = "$user" ]; then
        found=$name user=$uid group=${group:-$gid} home=$folder
        break
    fi
done </etc/passwd
case $user in
'' | *[!0-9]*)
    echo "/etc/passwd of the image has no user $user." >&2
    exit 1
    ;;
esac
more=--clear-groups
[ -z "$found" ] || more=--init-groups
export HOME="$home"
exec setpriv --reuid="$user" --regid="${group:-0}" "$more" -- "$@"
