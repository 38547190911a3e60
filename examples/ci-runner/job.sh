# A job: it works for some seconds, while nobody is connected to its machine.
echo "building in $(basename "$PWD")"
for step in compile test package; do
  sleep 2
  echo "$step: fine"
done
