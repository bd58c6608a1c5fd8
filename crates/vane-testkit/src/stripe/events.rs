//! Bodies of events, with the fields that Stripe's objects have, as far as anyone reads them.

use serde_json::{Value, json};

use super::{FakeStripe, Session, lock};

impl FakeStripe {
    /// Any event, for what the others do not say.
    #[must_use]
    pub fn event(&self, kind: &str, object: &Value) -> String {
        let mut state = lock(&self.state);
        state.events += 1;
        let event = json!({
            "id": format!("evt_{:024}", state.events),
            "object": "event",
            "api_version": "2024-10-28.acacia",
            "created": 1_796_000_000,
            "data": { "object": object },
            "livemode": false,
            "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null },
            "type": kind,
        });
        // Stripe's bodies are indented: what is signed is text, not its meaning.
        format!("{event:#}")
    }

    /// The session after its payer came back.
    #[must_use]
    pub fn session_object(&self, session: &Session, payment_status: &str) -> Value {
        json!({
            "id": session.id,
            "object": "checkout.session",
            "amount_subtotal": session.amount_total,
            "amount_total": session.amount_total,
            "client_reference_id": session.fields["client_reference_id"],
            "currency": "usd",
            "customer_details": { "email": "payer@example.com", "name": "Payer Canary" },
            "livemode": false,
            "metadata": {},
            "mode": "payment",
            "payment_intent": session.payment_intent,
            "payment_status": payment_status,
            "status": "complete",
            "url": null,
        })
    }

    /// Paid by card.
    #[must_use]
    pub fn completed(&self, session: &Session) -> String {
        let object = self.session_object(session, "paid");
        self.event("checkout.session.completed", &object)
    }

    /// Paid in a way that takes days: first this, with `unpaid`.
    #[must_use]
    pub fn completed_unpaid(&self, session: &Session) -> String {
        let object = self.session_object(session, "unpaid");
        self.event("checkout.session.completed", &object)
    }

    /// And then that it has come.
    #[must_use]
    pub fn async_succeeded(&self, session: &Session) -> String {
        let object = self.session_object(session, "paid");
        self.event("checkout.session.async_payment_succeeded", &object)
    }

    #[must_use]
    pub fn async_failed(&self, session: &Session) -> String {
        let object = self.session_object(session, "unpaid");
        self.event("checkout.session.async_payment_failed", &object)
    }

    #[must_use]
    pub fn expired(&self, session: &Session) -> String {
        let mut object = self.session_object(session, "unpaid");
        object["status"] = json!("expired");
        object["payment_intent"] = Value::Null;
        self.event("checkout.session.expired", &object)
    }

    /// So many cents were refunded by now, in all.
    #[must_use]
    pub fn refunded(&self, session: &Session, cents: i64) -> String {
        let object = json!({
            "id": format!("ch_{}", &session.payment_intent[3..]),
            "object": "charge",
            "amount": session.amount_total,
            "amount_refunded": cents,
            "currency": "usd",
            "metadata": {},
            "payment_intent": session.payment_intent,
            "refunded": cents == session.amount_total,
            "status": "succeeded",
        });
        self.event("charge.refunded", &object)
    }

    /// `kind` is what comes after `charge.dispute.`; the whole payment is disputed.
    #[must_use]
    pub fn disputed(&self, session: &Session, kind: &str, status: &str) -> String {
        let charge = &session.payment_intent[3..];
        let object = json!({
            "id": format!("du_{charge}"),
            "object": "dispute",
            "amount": session.amount_total,
            "charge": format!("ch_{charge}"),
            "currency": "usd",
            "payment_intent": session.payment_intent,
            "reason": "fraudulent",
            "status": status,
        });
        self.event(&format!("charge.dispute.{kind}"), &object)
    }
}
