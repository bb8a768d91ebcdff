"""A playbook that asks a question, and the people it is asked of."""

from playcall.settings import hash_token

BOB = "another token"
MORE = f"""
[people.bob]
name = "Bob"
access = "responder"
mail = "bob@example.org"
tokens = ["{hash_token(BOB)}"]
"""
PLAYBOOK = """\
# Playbook

## Severity

| Level | Response Time | Escalation | Wake On-Call |
|---|---|---|---|
| **CRITICAL** | <5 minutes | Immediate | YES |
| **HIGH** | <15 minutes | After 10 minutes | If persistent |
| **WARNING** | <1 hour | After 30 minutes | NO |

## Escalation Path

```
ALERT FIRES
    ↓
On-Call Primary (Page)
    ↓ (5 minutes, no ACK)
On-Call Secondary (Page)
```

### ServiceSlow

**Severity:** CRITICAL

#### Symptoms
- Latency >500ms

#### Decision Points (0-30 Minutes)

1. **Go on, or go back**

   ```
   Is the cause known?
       ├─ NO → Continue diagnostics
       └─ YES
           └─ Is the fix risky?
               ├─ YES → ROLLBACK
               └─ NO → Hotfix
   ```

2. **Do what was decided**

   **Option A: Hotfix**
   ```bash
   # Mend it
   mend-latency
   ```

   **Option B: Rollback**
   ```bash
   # Go back
   mend-latency --back
   ```

## Key Metrics Queries

```promql
# Latency
max(app_latency_seconds)
```
"""
