echo "never: this dialect has another name for it" > /etc/never
