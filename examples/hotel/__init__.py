"""Will the booking be cancelled? 119,390 bookings of two hotels, as dirty as they came (CC BY 4.0)."""
