import threading

from tricircle.realise.turns import LongTurns


class TestWaiting:
    def test_the_first_waits_for_nobody(self) -> None:
        with LongTurns().waiting("a", 0.0) as has_waited:
            assert not has_waited

    def test_the_next_one_has_waited(self) -> None:
        turns, told = LongTurns(), []

        def second() -> None:
            with turns.waiting("a", 60.0) as has_waited:
                told.append(has_waited)

        thread = threading.Thread(target=second)
        with turns.waiting("a", 0.0):
            thread.start()
            thread.join(0.05)
            assert told == []
        thread.join()
        assert told == [True]

    def test_patience_ends_and_the_turn_stays_the_firsts(self) -> None:
        turns = LongTurns()
        with turns.waiting("a", 0.0):
            with turns.waiting("a", 0.0) as has_waited:
                assert has_waited
            with turns.waiting("b", 0.0) as is_held_up:
                assert not is_held_up
        with turns.waiting("a", 0.0) as has_waited:
            assert not has_waited
