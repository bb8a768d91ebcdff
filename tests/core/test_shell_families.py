"""Commands of the program families, each with its class: what people on call really type."""

import pytest

from playcall.core.compiler.shell import read_command

# family: class, then commands. A line is one command.
CASES = """
[aws] observe
aws ec2 describe-instances --instance-ids i-0abc --region eu-west-1
aws --profile prod elbv2 describe-target-health --target-group-arn arn:aws:x
aws rds describe-db-instances --query 'DBInstances[].DBInstanceStatus' --output text
aws s3 ls s3://backups/shop/ --recursive | tail -5
aws s3api list-objects-v2 --bucket backups --max-items 5
aws cloudwatch get-metric-statistics --namespace AWS/RDS --metric-name CPUUtilization --period 60 --statistics Average --start-time 2026-01-01T00:00:00Z --end-time 2026-01-01T01:00:00Z
aws logs filter-log-events --log-group-name /shop --filter-pattern ERROR
aws logs tail /shop --since 10m
aws sts get-caller-identity
aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names web
aws eks list-clusters
aws ecs describe-services --cluster a --services b
aws sqs get-queue-attributes --queue-url https://x --attribute-names All
aws secretsmanager list-secrets
aws s3api head-object --bucket a --key b
[aws] change
aws ec2 terminate-instances --instance-ids i-0abc
aws ec2 reboot-instances --instance-ids i-0abc
aws s3 rm s3://backups/shop --recursive
aws s3 cp backup.tgz s3://backups/
aws s3api get-object --bucket a --key b /tmp/out
aws rds failover-db-cluster --db-cluster-identifier x
aws ecs update-service --cluster a --service b --force-new-deployment
aws autoscaling set-desired-capacity --auto-scaling-group-name web --desired-capacity 5
aws lambda invoke --function-name x out.json
aws eks update-kubeconfig --name prod
aws ssm send-command --document-name AWS-RunShellScript --parameters commands=ls
aws sqs purge-queue --queue-url https://x
aws $VERB describe-instances
aws dynamodb delete-item --table-name describe-x --key '{}'
[gcloud] observe
gcloud compute instances list --project shop --format json
gcloud container clusters describe prod --zone europe-west1-b
gcloud sql instances list
gcloud logging read 'severity>=ERROR' --limit 20
gcloud compute instances get-serial-port-output web-1 --zone a
gcloud config get-value project
gcloud projects list
gcloud compute backend-services get-health web --global
[gcloud] change
gcloud compute instances delete web-1 --quiet
gcloud compute ssh web-1 --command 'uptime'
gcloud container clusters get-credentials prod
gcloud container clusters resize prod --num-nodes 5
gcloud sql instances failover db
gcloud config set project shop
gcloud auth print-access-token
[az] observe
az vm list -g prod -o table
az aks show --name shop --resource-group prod
az monitor metrics list --resource /x --metric Percentage
az network nsg rule list --nsg-name a -g b
az account show
[az] change
az vm restart -g prod -n web-1
az aks get-credentials -g prod -n shop
az aks scale -g prod -n shop --node-count 5
az group delete -n prod
[psql] observe
psql -c 'SELECT 1'
psql -h db-1 -U app -d shop -c "SELECT pid, state, query FROM pg_stat_activity WHERE state <> 'idle'"
psql -At -c 'select count(*) from pg_stat_activity'
psql -c '\\l'
psql -U postgres -c '\\dt+ public.*'
psql -c 'SHOW max_connections;'
psql -c 'explain select * from orders'
psql -c "SELECT pg_size_pretty(pg_database_size('shop'))"
psql -c 'SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()'
kubectl exec -n db db-0 -- psql -U postgres -c 'select * from pg_stat_replication'
psql -l
psql -c 'select id from orders limit 5'
sudo -u postgres psql -c 'select usename, client_addr from pg_stat_replication'
[psql] heavy
psql -c 'SELECT count(*) FROM orders'
psql -c 'explain analyze select * from orders'
[psql] change
psql -c "SELECT pg_terminate_backend(123)"
psql -c 'select pg_cancel_backend(pid) from pg_stat_activity'
psql -c 'DELETE FROM orders'
psql -c 'VACUUM FULL orders'
psql -f fix.sql
psql -c 'select pg_reload_conf()'
psql -c 'select 1; drop table orders'
psql -c "select setval('orders_id', 1)"
psql -c "select * from orders for update"
psql -c 'explain analyze delete from orders'
psql -c 'with gone as (delete from orders returning *) select * from gone'
psql -c 'select * into copy from orders'
psql -c '\\! rm -rf /'
psql -c '\\copy orders to /tmp/x'
psql -c 'ALTER SYSTEM SET work_mem = 1'
psql -c "copy orders to program 'sh'"
psql -c "$QUERY"
echo 'drop table x' | psql
psql -c "select lo_import('/etc/passwd')"
psql -c 'CHECKPOINT'
psql -c 'select pg_switch_wal()'
psql -c 'select my_function()'
psql -c 'REINDEX TABLE orders'
psql -c "select * from t where id = <id>"
[psql] manual
psql -h db-1 shop
[mysql] observe
mysql -e 'SHOW FULL PROCESSLIST'
mysql -h db -u root -psecret -e "SHOW SLAVE STATUS\\G"
mysql -e 'show engine innodb status\\G'
mysql -N -e "SHOW GLOBAL STATUS LIKE 'Threads_%'"
mysql -e 'select * from information_schema.innodb_trx'
mysqladmin -u root status
mysqladmin processlist
mysqladmin extended-status
[mysql] change
mysql -e 'KILL 42'
mysql -e 'STOP SLAVE'
mysql -e 'SET GLOBAL max_connections = 500'
mysql -e 'flush tables with read lock'
mysql shop < dump.sql
mysqladmin shutdown
mysqladmin kill 42
mysql -e "select * from a into outfile '/tmp/x'"
mysql -e 'select /*! sleep(5) */ 1'
mysql -e 'PURGE BINARY LOGS BEFORE now()'
mysqldump shop
[mysql] manual
mysql -u root -p
[redis] observe
redis-cli ping
redis-cli -h cache-1 -p 6380 INFO memory
redis-cli --no-auth-warning -a secret info replication
redis-cli CLIENT LIST
redis-cli config get maxmemory
redis-cli slowlog get 10
redis-cli LLEN jobs
redis-cli cluster nodes
redis-cli --cluster check 10.0.0.1:6379
redis-cli -p 26379 sentinel masters
redis-cli memory usage some:key
redis-cli ttl session:1
[redis] heavy
redis-cli --bigkeys
redis-cli KEYS '*'
redis-cli --scan --pattern 'a*'
[redis] change
redis-cli FLUSHALL
redis-cli flushdb async
redis-cli CONFIG SET maxmemory 2gb
redis-cli del some:key
redis-cli set a b
redis-cli client kill 10.0.0.1:5
redis-cli debug segfault
redis-cli shutdown nosave
redis-cli --cluster fix 10.0.0.1:6379
redis-cli --cluster failover
redis-cli sentinel failover main
redis-cli script flush
redis-cli eval 'return 1' 0
redis-cli slaveof no one
redis-cli bgsave
redis-cli slowlog reset
redis-cli config resetstat
redis-cli config rewrite
cat cmds | redis-cli
redis-cli cluster failover
redis-cli --eval x.lua
[redis] manual
redis-cli
redis-cli monitor
[mongo] observe
mongosh --quiet --eval 'rs.status()'
mongo --eval 'db.serverStatus().connections'
mongosh --eval 'printjson(db.currentOp())'
mongosh --eval 'db.adminCommand({ replSetGetStatus: 1 })'
mongosh shop --eval 'db.orders.stats()'
mongosh --eval 'rs.printSecondaryReplicationInfo()'
[mongo] change
mongosh --eval 'rs.stepDown()'
mongosh --eval 'db.orders.drop()'
mongosh --eval 'db.killOp(5)'
mongosh --eval 'db.orders.deleteMany({})'
mongosh --eval 'db.adminCommand({ shutdown: 1 })'
mongosh --eval 'rs.status(); db.dropDatabase()'
mongosh --eval 'db.serverStatus().x = db.dropDatabase()'
mongosh script.js --eval 'rs.status()' < more.js
mongosh --eval 'rs.reconfig(c)'
mongosh --eval 'db.currentOp().inprog.forEach(function(op) { db.killOp(op.opid) })'
[mongo] manual
mongosh
[kafka] observe
kafka-topics.sh --bootstrap-server k:9092 --describe --topic orders
kafka-topics --list --bootstrap-server k:9092
kafka-topics.sh --bootstrap-server k:9092 --describe --under-replicated-partitions
kafka-consumer-groups.sh --bootstrap-server k:9092 --describe --group billing
kafka-configs.sh --bootstrap-server k:9092 --describe --entity-type brokers --entity-name 1
/opt/kafka/bin/kafka-topics.sh --bootstrap-server k:9092 --list
kafka-log-dirs.sh --bootstrap-server k:9092 --describe
kcat -b k:9092 -L
[kafka] change
kafka-topics.sh --bootstrap-server k:9092 --delete --topic orders
kafka-topics.sh --bootstrap-server k:9092 --alter --topic orders --partitions 12
kafka-consumer-groups.sh --bootstrap-server k:9092 --group billing --reset-offsets --to-latest --topic orders --execute
kafka-configs.sh --bootstrap-server k:9092 --alter --entity-type topics --entity-name orders --add-config a=b
kafka-reassign-partitions.sh --bootstrap-server k:9092 --reassignment-json-file f --execute
kafka-leader-election.sh --bootstrap-server k:9092 --election-type preferred --all-topic-partitions
kafka-topics.sh --bootstrap-server k:9092
[rabbitmq] observe
rabbitmqctl cluster_status
rabbitmqctl list_queues name messages consumers -p shop
rabbitmqctl -n rabbit@mq-1 status
rabbitmq-diagnostics check_running
rabbitmq-diagnostics memory_breakdown
[rabbitmq] change
rabbitmqctl stop_app
rabbitmqctl purge_queue jobs
rabbitmqctl eval 'x'
rabbitmqctl forget_cluster_node rabbit@mq-2
rabbitmqctl set_policy a b c
rabbitmq-queues rebalance all
[cassandra] observe
nodetool status
nodetool -h c-1 tpstats
nodetool compactionstats
nodetool netstats
[cassandra] change
nodetool repair
nodetool drain
nodetool decommission
nodetool cleanup shop
nodetool flush
nodetool setcompactionthroughput 64
[ceph] observe
ceph -s
ceph status
ceph health detail
ceph osd tree
ceph osd df tree
ceph pg dump_stuck inactive
ceph pg 1.2f query
ceph df
ceph osd pool ls detail
ceph orch ps
ceph crash ls
ceph daemon osd.3 perf dump
[ceph] change
ceph osd out 3
ceph osd set noout
ceph pg repair 1.2f
ceph config set osd osd_max_backfills 1
ceph osd crush reweight osd.3 0.5
ceph mgr fail
ceph crash archive-all
ceph osd purge 3 --yes-i-really-mean-it
ceph daemon osd.3 config set debug_osd 20
ceph tell osd.3 injectargs --x
echo 'osd out 3' | ceph
[zfs] observe
zpool status -v
zpool list
zfs list -t snapshot
zfs get all tank
zpool iostat tank 1 5
[zfs] change
zpool scrub tank
zpool clear tank
zfs destroy tank/a@b
zfs rollback tank/a@b
zpool offline tank sda
[consul] observe
consul members
consul operator raft list-peers
consul kv get shop/flag
consul catalog services
[consul] change
consul kv put shop/flag on
consul leave
consul operator raft remove-peer -address=10.0.0.1:8300
consul kv delete shop/flag
consul snapshot restore a.snap
[vault] observe
vault status
vault token lookup
vault operator raft list-peers
vault list auth/token/accessors
vault kv get secret/shop
vault read sys/health
[vault] change
vault operator unseal
vault operator step-down
vault read database/creds/shop
vault kv put secret/shop a=b
vault lease revoke -prefix aws/
vault write auth/token/create x=y
vault token revoke x
vault operator seal
[terraform] observe
terraform show
terraform state list
terraform output -json
terraform validate
[terraform] heavy
terraform plan
[terraform] change
terraform apply -auto-approve
terraform destroy
terraform state rm a.b
terraform import a.b c
terraform plan -out=plan.bin
terraform force-unlock 1
terraform init
[helm] observe
helm list -A
helm -n shop status shop
helm history shop -n shop
helm get values shop -n shop --revision 3
helm upgrade shop ./shop --dry-run
helm rollback shop 3 --dry-run
helm template shop ./shop -f values.yaml
[helm] change
helm rollback shop 3 -n shop
helm upgrade --install shop ./shop
helm uninstall shop
helm upgrade shop ./shop --dry-run=false
helm template shop ./shop --post-renderer ./x
helm repo update
[argocd] observe
argocd app list
argocd app get shop
argocd app diff shop
argocd app history shop
argocd app logs shop --tail 50
[argocd] change
argocd app sync shop
argocd app rollback shop 3
argocd app delete shop
argocd app get shop --refresh
argocd app set shop -p a=b
[flux] observe
flux get kustomizations -A
flux check
flux logs --since 10m
[flux] change
flux reconcile kustomization shop
flux suspend helmrelease shop
flux resume helmrelease shop
[istio] observe
istioctl proxy-status
istioctl proxy-config clusters web-0.shop
istioctl analyze -n shop
[istio] change
istioctl install
istioctl proxy-config log web-0 --level debug
istioctl upgrade
istioctl dashboard kiali
[velero] observe
velero backup get
velero backup describe nightly --details
velero restore logs nightly
[velero] change
velero backup create now
velero restore create --from-backup nightly
velero backup delete nightly
[git] observe
git log --oneline -20
git -C /srv/shop status
git diff HEAD~1 --stat
git show HEAD
git branch -a
git remote -v
git blame config.yaml
git config --get remote.origin.url
[git] change
git pull
git reset --hard HEAD~1
git checkout v1.2.3
git revert HEAD
git push
git branch -D old
git tag v1
git stash
git clean -fd
git -c core.pager=./x log
git diff --ext-diff
git remote add a b
git config user.name x
[ansible] observe
ansible web -m ping
ansible -i hosts all -a 'uptime'
ansible web -m shell -a 'df -h | tail -5'
ansible-inventory --list -i hosts
[ansible] change
ansible web -a 'systemctl restart nginx'
ansible web -m service -a 'name=nginx state=restarted'
ansible web -m shell -a 'rm -rf /tmp/x'
ansible-playbook site.yml
ansible-playbook site.yml --check
[make] change
make deploy
make -n deploy
[openssl] observe
openssl s_client -connect shop:443 -servername shop
echo | openssl s_client -connect shop:443 2>/dev/null | openssl x509 -noout -dates
openssl x509 -in cert.pem -noout -text
openssl verify -CAfile ca.pem cert.pem
openssl x509 -in cert.pem -noout -checkend 86400
[openssl] change
openssl req -new -key k.pem -out r.csr
openssl genrsa -out k.pem 2048
openssl x509 -req -in r.csr -CA ca.pem -out c.pem
[packages] observe
dpkg -l | grep nginx
rpm -qa | grep kernel
apt list --installed
apt-get install -s nginx
yum list installed
apt-cache policy nginx
[packages] change
apt-get install -y nginx
apt-get update
yum update -y
rpm -e nginx
dpkg -i x.deb
[servers] observe
nginx -t
supervisorctl status
pcs status
crm_mon -1
haproxy -c -f /etc/haproxy/haproxy.cfg
postqueue -p
crontab -l
smartctl -a /dev/sda
mdadm --detail /dev/md0
virsh list --all
patronictl -c /etc/patroni.yml list
pg_isready -h db-1
ipvsadm -L -n
lvs
vtysh -c 'show ip bgp summary'
[servers] change
nginx -s reload
supervisorctl restart shop
pcs resource cleanup
crontab -r
postqueue -f
smartctl -t short /dev/sda
mdadm --manage /dev/md0 --add /dev/sdb
virsh destroy web-1
patronictl failover
patronictl -c /etc/patroni.yml reinit shop db-2
ipvsadm -C
vtysh -c 'clear ip bgp *'
lvextend -L +10G /dev/vg/lv
[processes] heavy
jstack 1234
nmap -p 5432 db-1
[processes] change
strace -p 1234
gdb -p 1234
[openshift] observe
oc whoami
oc adm top nodes
oc adm node-logs worker-1 -u kubelet --tail 50
oc get clusterversion
oc projects
oc rsh web-0 df -h
kubectl exec web-0 df /var
oc adm upgrade
[openshift] change
oc adm drain worker-1
oc debug node/worker-1 -- chroot /host systemctl restart kubelet
oc adm must-gather
oc adm upgrade --to-latest
oc project shop
oc rsh web-0 rm /tmp/x
kubectl exec web-0 rm -rf /tmp/x
"""


def cases() -> list[tuple[str, str]]:
    found, effect = [], ""
    for line in CASES.strip().splitlines():
        if line.startswith("["):
            effect = line.rpartition(" ")[2]
        elif line:
            found.append((effect, line))
    return found


@pytest.mark.parametrize(("effect", "command"), cases(), ids=lambda value: value[:60])
def test_a_command_has_its_class_and_a_reason(effect: str, command: str) -> None:
    reading = read_command(command)
    assert reading.effect.value == effect, reading.reasons
    assert reading.reasons
