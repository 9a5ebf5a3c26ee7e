-- Addresses are looked up by their domain in A-labels: bücher.example is xn--bcher-kva.example. Of two writings of one
-- address the first counts.
UPDATE member_addresses AS a SET counts = 0 WHERE counts = 1 AND EXISTS
  (SELECT 1 FROM member_addresses b WHERE b.group_id = a.group_id AND b.counts = 1
   AND (b.member, b.position) < (a.member, a.position) AND address_key(b.address) = address_key(a.address));
UPDATE member_addresses SET address_key = address_key(address) WHERE address_key <> address_key(address);
UPDATE member_delegates SET address_key = address_key(address) WHERE address_key <> address_key(address);
